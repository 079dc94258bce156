/**
 * One call on one connection: a script as it goes to Redis, and what an error of Redis or of the library means.
 * A home that was last used on another run of the server is adopted (script.ts), and the script is tried once more.
 */
import type { Redis } from "ioredis";
import { isEngineDown } from "../../errors.ts";
import { downError, unansweredError } from "./down.ts";
import { ADOPT, FOREIGN, type Script } from "./script.ts";

export type Arg = string | number | Uint8Array;

export type Texts = "text" | "bytes";

export interface Sender {
  readonly client: Redis;
  readonly within: <T>(answer: Promise<T>) => Promise<T>;
  /** Scripts that this connection has sent whole. */
  readonly loaded: Set<string>;
}

/** What is known of the server. */
export interface Known {
  readonly run: string;
  readonly keeps: boolean;
  /** A fresh generation. */
  readonly fresh: () => string;
  /** It is not what it was when it was asked last: another node has noticed before. */
  readonly onOther: () => Promise<void>;
}

export interface ScriptCall {
  readonly script: Script;
  /** The first one is the home. */
  readonly keys: readonly string[];
  readonly args: readonly Arg[];
  readonly texts: Texts;
}

export async function runScript(
  sender: Sender,
  { run, keeps, fresh, onOther }: Known,
  { script, keys, args, texts }: ScriptCall,
): Promise<unknown> {
  const sendAs = (known: string) => send(sender, script, [keys.length, ...keys, known, ...args], texts);
  try {
    return await sendAs(run);
  } catch (error) {
    if (!isReply(error, FOREIGN)) throw error;
    const adopting = [1, keys[0] ?? "", fresh(), keeps ? "keep" : ""];
    const adopted = String(await send(sender, ADOPT, adopting, "text"));
    if (adopted !== run) await onOther();
    return await sendAs(adopted);
  }
}

async function send({ client, within, loaded }: Sender, script: Script, rest: readonly Arg[], texts: Texts) {
  const call = (command: string, body: string) => {
    const args = wireArgs([body, ...rest]);
    return within(texts === "bytes" ? client.callBuffer(command, args) : client.call(command, args));
  };
  if (!loaded.has(script.sha)) {
    // Asking first would cost the first call its place: those behind it that need no second attempt would overtake it.
    loaded.add(script.sha);
    return call("EVAL", script.lua);
  }
  try {
    return await call("EVALSHA", script.sha);
  } catch (error) {
    if (!isReply(error, "NOSCRIPT")) throw error;
    return call("EVAL", script.lua);
  }
}

/** All our bytes are Buffers where they come from the runtime; the library takes no other arrays. */
export const wireArgs = (args: readonly Arg[]): (string | number | Buffer)[] =>
  args.map((arg) =>
    arg instanceof Uint8Array && !Buffer.isBuffer(arg)
      ? Buffer.from(arg.buffer, arg.byteOffset, arg.byteLength)
      : arg,
  ) as (string | number | Buffer)[];

/** What Redis answered stays in `cause`: clients are not told of it. */
export function failureOf(error: unknown): Error {
  if (isEngineDown(error)) return error;
  const isAnswer = error instanceof Error && (error.name === "ReplyError" || UNSENT.test(error.message));
  if (isAnswer) return downError("Redis did not take the call; try again later", error);
  return unansweredError("the connection to Redis was lost");
}

/** How the library says that it has no connection. */
const UNSENT = /Stream isn't writeable/;

const isReply = (error: unknown, code: string) => error instanceof Error && error.message.startsWith(code);

/** Of a Cluster: the keys are not here, or not all of them any more. */
export const isElsewhere = (error: unknown) =>
  ["MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN"].some((code) => isReply(error, code)) ||
  (error instanceof Error && error.message.includes("non local key"));
