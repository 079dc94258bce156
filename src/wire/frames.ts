/**
 * What the server says in fairlead.v1: values in, frames out, text unless a payload is binary. Pure.
 *
 * What goes to many readers, or many times a second, is joined from text; JSON that a publisher sent goes in as it is, because it
 * was checked when it came. Limit: the header of a binary frame holds 64 KiB, which topic, key and ids never fill.
 */
import { joinFrame } from "./binary-frame.ts";
import type { Answer, Gap, Payload, PlacedMessage, Position, Welcome, WireError } from "./v1.ts";

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
  if ("err" in answer) return errorFrame(id, answer.err);
  return "ok" in answer ? okFrame(id, answer.ok) : `{"t":"ok","id":${id},${answer.okText}}`;
}

export function okFrame(id: number, fields: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ t: "ok", id, ...fields });
}

export function errorFrame(id: number | undefined, { code, message, retry }: WireError): string {
  return JSON.stringify({ t: "err", id, code, message, retry });
}

/** The `okText` of a `pub`: one for each message, so it is joined. */
export function positionFields(topic: string, { epoch, offset }: Position): string {
  return `"topic":${JSON.stringify(topic)},"epoch":"${epoch}","offset":${offset}`;
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

/** One message of a page, as JSON text. */
export function entryText(message: PlacedMessage): string {
  return `{${placeText(message)},${dataText(message)}}`;
}

/** The event that readers of a topic get: the same for all of them. The first message of an epoch says which one it is. */
export function messageFrame(message: PlacedMessage): Frame {
  const { topic, epoch, offset } = message;
  const first = offset === 1 ? `"epoch":"${epoch}",` : "";
  return withPayload(`{"t":"msg","topic":${JSON.stringify(topic)},${first}${placeText(message)}`, message);
}

/** What an echo says: the same data, how many bytes the client's frame had, and when it came. */
export function echoFrame(payload: Payload, size: number, time: number): Frame {
  return withPayload(`{"t":"msg","size":${size},"time":${time}`, payload);
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

function placeText({ offset, time, conn, user, key }: PlacedMessage): string {
  const who = `${textField("conn", conn)}${textField("user", user)}${textField("key", key)}`;
  return `"offset":${offset},"time":${time}${who}`;
}

function textField(name: string, value: string | undefined): string {
  return value === undefined ? "" : `,"${name}":${JSON.stringify(value)}`;
}

function dataText({ data, json }: Payload): string {
  if (typeof data !== "string") return `"base64":"${data.toBase64()}"`;
  return `"data":${json ? data : JSON.stringify(data)}`;
}

/** Ends the object: binary data goes behind it instead of into it. */
function withPayload(head: string, payload: Payload): Frame {
  return typeof payload.data === "string"
    ? `${head},${dataText(payload)}}`
    : joinFrame(`${head}}`, payload.data);
}
