/**
 * Plays one case over a raw socket: handshake, bytes, and whatever comes back until the connection has ended. Fragments of the server's are
 * put together and compressed messages inflated, by node:zlib, so that it is the message that counts.
 * Failure: what does not come within the bound of every wait stands in `trouble`, and is never OK.
 */
import { EXTENSIONS, inflated, RSV1 } from "../deflate.ts";
import {
  type Answer,
  dial,
  frame,
  head,
  OPCODE,
  type RawClient,
  type ServerFrame,
  upgrade,
} from "../raw-client.ts";
import { type Case, type Step, told } from "./case.ts";

/** Echo routes without a welcome. */
export const PATHS = { plain: "/echo", deflate: "/deflate" } as const;

export interface Seen {
  readonly back: readonly string[];
  /** Of the server's close frame; undefined: none came. */
  readonly code: number | undefined;
  /** What the server took of the offer. */
  readonly extensions: string | null;
  /** The server declined what the case needs, so nothing was sent. */
  readonly isDeclined: boolean;
  /** What did not come, or is no frame of a server. */
  readonly trouble: string | undefined;
}

/** `host`: `127.0.0.1:PORT` of a gateway with the routes of `run.ts`. */
export async function play(host: string, each: Case): Promise<Seen> {
  using client = await dial(host);
  const { offer, plan } = each;
  const path = offer === undefined ? PATHS.plain : PATHS.deflate;
  const headers = { ...(offer !== undefined && { [EXTENSIONS]: offer }), ...each.head?.headers };
  client.write(head({ path, ...each.head, headers }));
  const answer = await client.answer();
  const extensions = answer.headers.get(EXTENSIONS);
  const isDeclined = offer !== undefined && !agrees(extensions, each.agreed);
  const seen = { extensions, isDeclined, back: [], code: undefined, trouble: answerProblem(answer, each) };
  if (seen.trouble !== undefined || isDeclined || answer.status !== 101) return seen;
  // What comes back meanwhile is kept: sending may take longer than one wait for a frame.
  for (const step of plan().send) await take(step, host, client);
  return { ...seen, ...(await read(client)) };
}

function answerProblem({ status, headers }: Answer, { answered = {} }: Case): string | undefined {
  const { status: expected = 101, ...rest } = answered;
  if (status !== expected) return `answered by ${status}, not ${expected}`;
  const wrong = Object.entries(rest).find(([name, value]) => headers.get(name) !== value);
  return wrong === undefined ? undefined : `${wrong[0]}: ${headers.get(wrong[0])}`;
}

function agrees(extensions: string | null, agreed: readonly string[] = []): boolean {
  const [name, ...parameters] = (extensions ?? "").split(";").map((part) => part.trim());
  return name === "permessage-deflate" && agreed.every((parameter) => parameters.includes(parameter));
}

async function take(step: Step, host: string, client: RawClient): Promise<void> {
  if (step === "sync") {
    using other = await upgrade(host, { path: PATHS.plain });
    other.write(frame("", { opcode: OPCODE.ping }));
    await other.next();
    return;
  }
  const { bytes, chop = bytes.length } = step;
  for (let at = 0; at < bytes.length; at += chop) {
    client.write(bytes.subarray(at, at + chop));
    if (chop < bytes.length) await new Promise((done) => setImmediate(done));
  }
}

type Read = Pick<Seen, "back" | "code" | "trouble">;

async function read(client: RawClient): Promise<Read> {
  const back: string[] = [];
  const message = createMessage();
  try {
    for (;;) {
      const next = await client.next();
      if (next.opcode === OPCODE.close) return { back, ...(await end(client, next.payload)) };
      const whole = next.opcode > OPCODE.close ? next : message(next);
      if (whole !== undefined) back.push(told(whole.opcode, whole.payload));
    }
  } catch (error) {
    const ended = /the connection ended/.test(String(error));
    return { back, code: undefined, trouble: ended ? undefined : String(error) };
  }
}

/** After the close frame nothing more may come but the end of the TCP connection. */
async function end(client: RawClient, payload: Buffer): Promise<Omit<Read, "back">> {
  const code = payload.length === 0 ? 1005 : payload.readUInt16BE(0);
  await client.ended();
  return {
    code,
    trouble: client.waiting === 0 ? undefined : `${client.waiting} bytes after the close frame`,
  };
}

/** Undefined while fragments are missing. */
function createMessage() {
  let first: ServerFrame | undefined;
  let parts: Buffer[] = [];
  return (next: ServerFrame): Pick<ServerFrame, "opcode" | "payload"> | undefined => {
    first ??= next;
    parts.push(next.payload);
    if (!next.fin) return undefined;
    const { opcode, rsv } = first;
    const payload = Buffer.concat(parts);
    first = undefined;
    parts = [];
    return { opcode, payload: rsv === RSV1 ? inflated(payload) : payload };
  };
}
