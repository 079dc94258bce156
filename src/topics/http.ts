/**
 * A feed's topics over HTTP: GET is an event stream or the last messages as JSON, POST publishes.
 * One reader or publisher is treated as over WebSocket: same bounds, same policy, same positions.
 */

import { lacks } from "../access.ts";
import type { HistoryPage, OutMessage, Topics } from "../engine.ts";
import { isEngineDown } from "../errors.ts";
import { byteLength } from "../limits.ts";
import { refusal } from "../refusals.ts";
import type { AdmitRequest, HttpAnswer } from "../route.ts";
import { MAX_LIMIT } from "../wire/commands.ts";
import { entryText } from "../wire/frames.ts";
import { nestsDeeper } from "../wire/json-depth.ts";
import type { PubResult } from "./conflate.ts";
import { countOf } from "./path.ts";
import { forbiddenRefusal } from "./rights.ts";

const DEFAULT_LIMIT = 100;

export function wantsEvents(headers: Headers): boolean {
  return /\btext\/event-stream\b/i.test(headers.get("accept") ?? "");
}

/** The last messages, oldest first; `?limit=N` for fewer or more. */
export async function lastMessages(
  topics: Topics,
  topic: string,
  { query, may }: Pick<AdmitRequest, "query" | "may">,
): Promise<HttpAnswer> {
  const denied = forbiddenRefusal(lacks(may, "history", topic));
  if (denied !== undefined) return denied;
  const asked = query.get("limit");
  const limit = asked === null ? DEFAULT_LIMIT : countOf(asked);
  if (limit === undefined) {
    return refusal("bad_request", `limit must be a whole number from 0 to ${MAX_LIMIT}`);
  }
  const page = await topics.history(topic, { limit }).catch(downOnly);
  if (page === undefined) return refusal("engine_down");
  return new Response(pageText(topic, page), {
    headers: { "Content-Type": "application/json", "Cache-Control": "no-store" },
  });
}

/** An engine that is down is an answer; anything else is a bug, and stays one. */
function downOnly(error: unknown): undefined {
  if (!isEngineDown(error)) throw error;
}

function pageText(topic: string, { epoch, offset, messages }: HistoryPage): string {
  const head = JSON.stringify({ topic, epoch, offset }).slice(0, -1);
  return `${head},"messages":[${messages.map(entryText).join(",")}]}`;
}

export interface Publishing {
  readonly topic: string;
  /** Bytes; 0 = no limit of the route. */
  readonly maxMessage: number;
  publish(topic: string, message: OutMessage, done: (result: PubResult) => void): void;
}

/** Publishes the body: `application/json` is JSON, `text/*` a string, anything else binary. */
export async function publishBody(
  request: Request,
  { may, user, held }: Pick<AdmitRequest, "may" | "user" | "held">,
  { topic, maxMessage, publish }: Publishing,
): Promise<HttpAnswer> {
  const denied = forbiddenRefusal(lacks(may, "publish", topic));
  if (denied !== undefined) return denied;
  // A body may take as long as its sender likes, and a token can end meanwhile.
  let counts = true;
  const letGo = held(() => {
    counts = false;
  });
  const body = await readBody(request, maxMessage || Number.POSITIVE_INFINITY).finally(letGo);
  if (body === undefined) return refusal("too_large", `more than ${maxMessage} bytes`);
  if (!counts) return refusal("unauthorized", "the token counts no longer");
  const message = messageOf(request.headers.get("content-type") ?? "", body);
  if (typeof message === "string") return refusal("bad_request", message);
  const published = { ...message, size: byteLength(message.data), user: user ?? undefined };
  const result = await new Promise<PubResult>((done) => publish(topic, published, done));
  if ("superseded" in result) return Response.json({ topic, superseded: true });
  if ("code" in result) return refusal("engine_down", result.code === "gone" ? result.text : undefined);
  return Response.json({ topic, epoch: result.epoch, offset: result.offset });
}

/** Undefined: it has more than `max` bytes, of which no more were kept. `limits.body` is for all routes, and may be far larger. */
async function readBody(request: Request, max: number): Promise<Uint8Array | undefined> {
  const announced = request.headers.get("content-length");
  if (announced !== null) return Number(announced) > max ? undefined : await request.bytes();
  // Not a list of chunks: sixty thousand of one byte would take a hundred times their bytes.
  const body = new Bun.ArrayBufferSink();
  body.start({ asUint8Array: true });
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.length;
    if (length > max) return undefined;
    body.write(chunk);
  }
  return body.end() as Uint8Array;
}

/** A string: what is wrong with the body. */
function messageOf(contentType: string, body: Uint8Array): OutMessage | string {
  const type = contentType.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  const json = type === "application/json" || type.endsWith("+json");
  if (!json && !type.startsWith("text/")) return { data: body, json: false };
  const text = decodeUtf8(body, json);
  if (text === undefined) return "the body is not UTF-8";
  const problem = json ? jsonProblem(text) : undefined;
  return problem ?? { data: text, json };
}

/** A byte order mark is the publisher's own in a text; before JSON it is no part of it (RFC 8259 section 8.1). */
function decodeUtf8(body: Uint8Array, dropMark: boolean): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: !dropMark }).decode(body);
  } catch {
    // A fatal decoder has no other way to say "malformed".
    return undefined;
  }
}

function jsonProblem(text: string): string | undefined {
  if (nestsDeeper(text)) return "the JSON nests too deep";
  try {
    JSON.parse(text);
    return undefined;
  } catch {
    return "the body is not JSON";
  }
}
