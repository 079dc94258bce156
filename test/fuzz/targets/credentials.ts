/**
 * Handshakes and first commands that show a token, or none, or several, to routes that ask for one. Nobody is welcomed to what is private
 * unless some token in all that it has written was signed; browsers are told by a close code.
 */
import { head } from "../../raw-client.ts";
import type { Chance } from "../chance.ts";
import { encode, frameOf, messagesIn } from "../client-frames.ts";
import { exchange } from "../exchange.ts";
import { mutateBytes } from "../mutate.ts";
import { isSigned, tokenOf } from "../speech/tokens.ts";
import type { Target } from "../target.ts";
import { judge, type Verdict } from "../verdict.ts";

const PRIVATE = "/private/";
const PATHS = [`${PRIVATE}a`, `${PRIVATE}a`, `${PRIVATE}a.b`, "/maybe/open", "/maybe/a", "/api/revoke"];

export const credentials: Target = {
  name: "credentials",
  isOnTheWire: true,
  make(chance) {
    const opening = Buffer.from(headOf(chance), "latin1");
    const said = chance.some(0, 3, () => encode(frameOf(chance, 1, Buffer.from(commandOf(chance)))));
    return [chance.is(0.15) ? mutateBytes(chance, opening) : opening, ...said];
  },
  async run(input, { host }) {
    const written = Buffer.concat(input);
    const verdict = judge(written, await exchange(host, input));
    const isPrivate = written.toString("latin1").includes(` ${PRIVATE}`);
    const isSignedFor = isShown(written, verdict);
    if (isPrivate && !isSignedFor && isWelcome(verdict))
      throw new Error("welcomed without a token that was signed");
    return isSignedFor || verdict.statuses.some((status) => [101, 401, 403].includes(status));
  },
};

function headOf(chance: Chance): string {
  const carriers = chance.pick([
    [],
    ["header"],
    ["header"],
    ["protocol"],
    ["protocol"],
    ["query"],
    ["header", "protocol"],
  ]);
  const token = tokenOf(chance);
  const has = (carrier: string) => carriers.includes(carrier);
  const entry = `fairlead.token.${Buffer.from(chance.is(0.1) ? tokenOf(chance) : token).toString("base64url")}`;
  const names = [...(chance.is(0.7) ? ["fairlead.v1"] : ["a"]), ...(has("protocol") ? [entry] : [])];
  const path = `${chance.pick(PATHS)}${has("query") ? `?access_token=${encodeURIComponent(token.toWellFormed())}` : ""}`;
  const key = chance.bytes(16).toString("base64");
  const headers = {
    "Sec-WebSocket-Key": key,
    "Sec-WebSocket-Protocol": chance.is(0.9) ? names.join(", ") : null,
    Authorization: has("header")
      ? `${chance.pick(["Bearer", "Bearer", "Bearer", "bearer", "Basic"])} ${token}`
      : null,
    Origin: chance.is(0.2) ? "http://127.0.0.1" : null,
    ...(chance.is(0.15) ? { Upgrade: null, Connection: "close" } : {}),
  };
  return head({ path, headers });
}

function commandOf(chance: Chance): string {
  const token = chance.is(0.9) ? tokenOf(chance) : chance.pick([null, 1, {}, ["x"]]);
  return JSON.stringify(
    chance.is(0.7) ? { t: "auth", id: 1 + chance.below(4), token } : { t: "ping", id: 1 },
  );
}

/** Anything that a route says; a refusal of a browser is an error and a close. */
function isWelcome({ frames }: Verdict): boolean {
  return frames.some(({ opcode, payload }) => opcode === 1 && `${payload}`.includes('"t":"welcome"'));
}

const WORD = /[\w.~+/=-]{20,}/g;

/** Whether some word of the head, as it is or decoded, or of a message, is a token that was signed. */
function isShown(written: Buffer, verdict: Verdict): boolean {
  const words = withoutPercents(written.toString("latin1")).match(WORD) ?? [];
  const decoded = words.map((word) =>
    Buffer.from(word.split("fairlead.token.").at(-1) ?? "", "base64url").toString(),
  );
  const said = messagesIn(verdict.sent).flatMap(({ payload }) => `${payload}`.match(WORD) ?? []);
  return [...words, ...words.map((word) => word.replace(/^access_token=/, "")), ...decoded, ...said].some(
    isSigned,
  );
}

function withoutPercents(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
