/** What scripts of the relay are given and answer, as JSON. Pure. */
import type { Candidate, HandedMessage, RelayTally } from "../../../relays.ts";
import type { Role } from "../../../wire/envelope.ts";
import type { PeerState, ReceiptState } from "../../../wire/v1.ts";

export type ShortRole = "c" | "l";
export const shortRole = (role: Role): ShortRole => (role === "center" ? "c" : "l");

/** What is kept of a message, as it stands in an event: kind, data, type. */
type Kept = [kind: 0 | 1 | 2, data: string, type: string | null];

/** As JSON without brackets, so that the script only puts it between others. Texts that are no UTF-8 stay what they are. */
export function keptText({ data, json, type }: Omit<HandedMessage, "seq">): string {
  const kept: Kept =
    typeof data === "string"
      ? [json ? 1 : 0, data, type ?? null]
      : [2, Buffer.from(data).toString("base64"), type ?? null];
  return JSON.stringify(kept).slice(1, -1);
}

export function messageOf(seq: number, [kind, data, type]: Kept): HandedMessage {
  return {
    seq,
    data: kind === 2 ? Uint8Array.from(Buffer.from(data, "base64")) : data,
    json: kind === 1,
    type: type ?? undefined,
  };
}

/** Asks for a role. `session`: a new one's, should it begin one. */
export function joinWords(
  id: string,
  { role, isPlain, user, owner, info, resumed }: Candidate,
  session: string,
) {
  return {
    k: "j",
    r: shortRole(role),
    c: id,
    p: isPlain,
    i: session,
    u: JSON.stringify(user),
    o: owner,
    x: info,
    s: resumed?.session,
    up: resumed?.upto,
    dn: resumed?.done,
  };
}

/** Of the partner: since when it is the same one. */
export type SeatedWords = [
  event: number,
  fence: number,
  session: string,
  partner: PeerState,
  queued: number,
  since: number,
  info: string | null,
];

export type ReceiptWords = [seq: number, idem: string, state: ReceiptState];

/** Whom it concerns, its number among those of the seat, what it is. */
export type Event = [conn: string, event: number, ...SeatEvent];
export type SeatEvent =
  | ["s", ...SeatedWords]
  | ["d", seq: number, ...Kept]
  | ["r", ...ReceiptWords]
  | ["p", state: PeerState, reason: string, since: number, info: string | null]
  | ["x", code: 4590, reason: string];

export type JoinAnswer = ["s", ...SeatedWords] | ["w"] | ["t"] | ["g"] | ["b"];
export type SendAnswer = ["k", seq: number, state?: ReceiptState] | ["x"] | ["m"] | ["n"] | ["a"];
export type AckAnswer = ["k"] | ["b"] | ["x"];
export type LookAnswer =
  | ["s", ...SeatedWords, data: [seq: number, ...Kept][], receipts: ReceiptWords[]]
  | ["w"]
  | ["x", why?: "session" | "taken"];

export type StepAnswer = [due: number, tally: RelayTally, answers: unknown[]];
export type SweepAnswer = [
  due: number,
  isMore: 0 | 1,
  tally: RelayTally,
  groups: number,
  away: number,
  queued: number,
];

/** Why a seat that was looked at is not its peer's any more, as it is told. */
export function lossOf(why: "session" | "taken" | undefined): [code: 4590 | 1012, reason: string] {
  if (why === "session") return [4590, "the session goes on over another connection"];
  if (why === "taken") return [4590, "the role went to another client"];
  return [1012, "the role was lost while this node was away"];
}
