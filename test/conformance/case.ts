/**
 * What a case of conformance is: what a client sends after the handshake, and what must come back. The cases of a group stand as data in
 * a file of its own; `play.ts` plays one over a raw socket, `judge.ts` says what came of it.
 */
import { createHash } from "node:crypto";
import { closePayload, type FrameOptions, frame, type HeadOptions, OPCODE } from "../raw-client.ts";

/** UNIMPLEMENTED: the server declined what the case needs. NON-STRICT: the RFC asks for better by SHOULD, or leaves it open. */
export const VERDICTS = ["OK", "NON-STRICT", "UNIMPLEMENTED", "FAILED"] as const;
export type Verdict = (typeof VERDICTS)[number];

/** How bytes are cut into TCP segments: all in one write, or so many bytes each. */
export type Chop = number | undefined;

/**
 * One write, or a stop until the server has had time to say something. `sync`: a round trip of another connection; the server has read
 * by then what was written before.
 */
export type Step = { readonly bytes: Uint8Array; readonly chop?: Chop } | "sync";

/** What came back and how it ended. */
export interface Outcome {
  /** Messages and pongs in order, as `told` writes them. */
  readonly back: readonly string[];
  /** Codes of the server's close frame, any of them; 1005: one without a code. None: there is no WebSocket. */
  readonly ends: readonly number[];
}

export interface Plan {
  readonly send: readonly Step[];
  readonly strict: Outcome;
  /** Another outcome that an RFC leaves open. */
  readonly nonStrict?: Outcome;
}

export interface Case {
  /** `5.3` */
  readonly id: string;
  readonly title: string;
  /** `Sec-WebSocket-Extensions` of the handshake; absent: none. */
  readonly offer?: string;
  /** Parameters that must stand in the answer. */
  readonly agreed?: readonly string[];
  /** Of the handshake, instead of or beside a correct one's. */
  readonly head?: HeadOptions;
  /** What must stand in the answer; null: must not. `status` is 101 by default, and after another one nothing is sent. */
  readonly answered?: { readonly status?: number } & Readonly<Record<string, string | number | null>>;
  /** What is known to come of it here; absent: OK. */
  readonly known?: { readonly verdict: Verdict; readonly why: string };
  /** Made when it is played: some are large. */
  plan(): Plan;
}

export interface Group {
  /** `5` */
  readonly id: string;
  readonly title: string;
  /** Takes seconds, so it is played by `npm run conformance` only. */
  readonly isLong?: true;
  readonly cases: readonly Case[];
}

/** A message or a pong in a few words. The same words mean the same bytes. */
export function told(opcode: number, payload: string | Uint8Array): string {
  const name = Object.entries(OPCODE).find(([, value]) => value === opcode)?.[0] ?? `opcode ${opcode}`;
  const bytes = Buffer.from(payload);
  if (bytes.length > 64)
    return `${name} of ${bytes.length} bytes ${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}`;
  return `${name} ${opcode === OPCODE.text ? JSON.stringify(bytes.toString()) : bytes.toHex()}`.trimEnd();
}

export const text = (payload: string | Uint8Array) => told(OPCODE.text, payload);
export const binary = (payload: Uint8Array) => told(OPCODE.binary, payload);
export const pong = (payload: string | Uint8Array = "") => told(OPCODE.pong, payload);

export const BEGUN = { fin: false } as const satisfies FrameOptions;
export const MIDDLE = { opcode: OPCODE.continuation, fin: false } as const satisfies FrameOptions;
export const LAST = { opcode: OPCODE.continuation } as const satisfies FrameOptions;
export const ping = (payload: string | Uint8Array = "") => frame(payload, { opcode: OPCODE.ping });
export const close = (code: number, reason: string | Uint8Array = "") =>
  frame(closePayload(code, reason), { opcode: OPCODE.close });

type Part = Uint8Array | "sync";
type Head = Pick<Case, "id" | "title"> & Partial<Pick<Case, "offer" | "agreed" | "known">>;

/** The connection survives all of `parts`: `back` comes, and the client's close is answered. */
export function survives(head: Head, parts: readonly Part[], back: readonly string[], chop?: Chop): Case {
  return {
    ...head,
    plan: () => ({ send: steps([...parts, close(1000)], chop), strict: { back, ends: [1000] } }),
  };
}

/** The server fails the connection after `back`, with one of these codes. */
export function fails(
  head: Head,
  parts: readonly Part[],
  ends: readonly number[],
  back: readonly string[] = [],
  chop?: Chop,
): Case {
  return { ...head, plan: () => ({ send: steps(parts, chop), strict: { back, ends } }) };
}

/** Without a chop, what stands between two syncs is one write. */
export function steps(parts: readonly Part[], chop?: Chop): Step[] {
  const all: Step[] = [];
  let waiting: Uint8Array[] = [];
  const flush = () => {
    if (waiting.length > 0) all.push({ bytes: Buffer.concat(waiting), chop });
    waiting = [];
  };
  for (const part of parts) {
    if (part !== "sync") waiting.push(part);
    else {
      flush();
      all.push("sync");
    }
  }
  flush();
  return all;
}
