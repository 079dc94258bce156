/**
 * What the server says in fairlead.v1: values in, frames out, text unless a payload is binary. Pure.
 *
 * Each is one JSON.stringify of one object: that is twice as fast as joining texts. JSON that a publisher sent goes in as it is,
 * because it was checked when it came. Limit: the header of a binary frame holds 64 KiB, which topic, key and ids never fill.
 */
import { joinFrame } from "./binary-frame.ts";
import type { Role } from "./envelope.ts";
import type {
  Answer,
  Gap,
  Member,
  Payload,
  PeerState,
  PlacedMessage,
  Position,
  ReceiptState,
  Welcome,
  WireError,
} from "./v1.ts";

/** Characters of an answer to `who`. Each member may bring a kilobyte: a thousand of them would make its reader a slow one. */
const MAX_WHO = 256 * 1024;

/** A frame as the runtime takes it. */
export type Frame = string | Uint8Array;

export function welcomeFrame({
  conn,
  kind,
  user,
  heartbeat,
  maxMessage,
  expires,
  node,
  sub,
}: Welcome): string {
  return JSON.stringify({ t: "welcome", conn, kind, user, heartbeat, maxMessage, expires, node, sub });
}

/** The one answer to a command that has an `id`. Without one there is no `ok`, and an error is `errorFrame(undefined, error)`. */
export function answerFrame(id: number, answer: Answer): string {
  if ("published" in answer) return publishedFrame(id, answer.published);
  if ("err" in answer) return errorFrame(id, answer.err);
  return "ok" in answer ? okFrame(id, answer.ok) : `{"t":"ok","id":${id},${answer.okText}}`;
}

export function okFrame(id: number, fields: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ t: "ok", id, ...fields });
}

/** One for each `pub`, so its fields are named: spreading them costs as much as writing them. */
function publishedFrame(id: number, { topic, epoch, offset }: Position & { readonly topic: string }): string {
  return JSON.stringify({ t: "ok", id, topic, epoch, offset });
}

export function errorFrame(id: number | undefined, { code, message, retry }: WireError): string {
  return JSON.stringify({ t: "err", id, code, message, retry });
}

export interface Page extends Position {
  readonly messages: readonly PlacedMessage[];
  readonly more: boolean;
  readonly complete: boolean;
}

/** The `okText` of a `history`. */
export function historyFields({ messages, epoch, offset, more, complete }: Page): string {
  const entries = messages.map(entryText).join(",");
  return `"messages":[${entries}],"epoch":"${epoch}","offset":${offset},"more":${more},"complete":${complete}`;
}

export interface MembersPage {
  readonly members: readonly Member[];
  readonly total: number;
  readonly complete: boolean;
}

/** The `okText` of a `who`: as many of the members as fit, one at least. `complete` tells of those that follow. */
export function whoFields({ members, total, complete }: MembersPage): string {
  const entries: string[] = [];
  let size = 0;
  for (const member of members) {
    const entry = JSON.stringify(member);
    size += entry.length;
    if (size > MAX_WHO && entries.length > 0) break;
    entries.push(entry);
  }
  const isAll = complete && entries.length === members.length;
  return `"members":[${entries.join(",")}],"total":${total},"complete":${isAll}`;
}

/** One message of a page, as JSON text. */
export function entryText(message: PlacedMessage): string {
  const { offset, time, conn, user, key, data } = message;
  const base64 = typeof data === "string" ? undefined : data.toBase64();
  const plain = plainText(message);
  const entry = JSON.stringify({ offset, time, conn, user, key, data: plain, base64 });
  return typeof data !== "string" || plain !== undefined ? entry : withField(entry, "data", data);
}

/** The event that readers of a topic get: the same for all of them. The first message of an epoch says which one it is. */
export function messageFrame(message: PlacedMessage): Frame {
  const { topic, offset, time, conn, user, key } = message;
  const epoch = offset === 1 ? message.epoch : undefined;
  const data = plainText(message);
  const frame = JSON.stringify({ t: "msg", topic, epoch, offset, time, conn, user, key, data });
  return data === undefined ? withPayload(frame, message) : frame;
}

/** What an echo says: the same data, how many bytes the client's frame had, and when it came. */
export function echoFrame(payload: Payload, size: number, time: number): Frame {
  const data = plainText(payload);
  const frame = JSON.stringify({ t: "msg", size, time, data });
  return data === undefined ? withPayload(frame, payload) : frame;
}

export function gapFrame({ topic, epoch, offset, from, to, latest, reason }: Gap): string {
  return JSON.stringify({ t: "gap", topic, epoch, offset, from, to, latest, reason });
}

export function presenceFrame(
  kind: "join" | "leave",
  topic: string,
  conn: string,
  user: string | null,
  total: number,
): string {
  return JSON.stringify({ t: kind, topic, conn, user, total });
}

/** Instead of joins and leaves where there are many. */
export function countFrame(topic: string, total: number): string {
  return JSON.stringify({ t: "count", topic, total });
}

/** `at`: when the token ends, in unix milliseconds. */
export function expiringFrame(at: number): string {
  return JSON.stringify({ t: "expiring", at });
}

/** Both in milliseconds: how long until this node closes the connection, and when to come back after that. */
export function drainFrame(within: number, retry: number): string {
  return JSON.stringify({ t: "drain", within, retry });
}

/** What a relay hands over. `type`: the `message_type` of a plain sender, where it has one. */
export function dataFrame(seq: number, from: Role, payload: Payload, type?: string): Frame {
  const data = plainText(payload);
  const frame = JSON.stringify({ t: "data", seq, from, type, data });
  return data === undefined ? withPayload(frame, payload) : frame;
}

/** Told to the sender, once for each message. */
export function receiptFrame(seq: number, idem: string, state: ReceiptState): string {
  return JSON.stringify({ t: "receipt", seq, idem, state });
}

/** Of the partner. `info`: the JSON text that it told about itself. */
export function peerFrame(role: Role, state: PeerState, reason: string, info?: string): string {
  const frame = JSON.stringify({ t: "peer", role, state, reason });
  return info === undefined ? frame : withField(frame, "info", info);
}

/** Data that is neither JSON already nor binary, which have to be put in by hand. */
function plainText({ data, json }: Payload): string | undefined {
  return typeof data === "string" && !json ? data : undefined;
}

/** Binary data goes behind the object instead of into it. */
function withPayload(frame: string, { data }: Payload): Frame {
  return typeof data === "string" ? withField(frame, "data", data) : joinFrame(frame, data);
}

function withField(object: string, name: string, json: string): string {
  return `${object.slice(0, -1)},"${name}":${json}}`;
}
