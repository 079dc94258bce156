/** The flags of `fairlead connect` beside those of the handshake, with the letters of wscat and websocat, and what they come to. */
import { showValue } from "../../config/key-path.ts";
import { isHttpToken } from "../../wire/http-token.ts";
import { usage } from "../arguments.ts";
import type { Arguments } from "../command.ts";
import { clientFlag, type Flag } from "../flags.ts";
import { parseSeconds } from "../seconds.ts";
import { closeProblem } from "./slash.ts";

export interface ConnectOptions {
  readonly protocols: readonly string[];
  /** lines: a line is a message. bytes: what is read at once is one, and nothing is added to what comes. */
  readonly form: "lines" | "bytes";
  readonly json: boolean;
  /** Sent first, each as one message. */
  readonly execute: readonly string[];
  readonly readsInput: boolean;
  /** Milliseconds to stay for answers after the last message; Infinity: until the server closes. Undefined: nobody said. */
  readonly wait: number | undefined;
  readonly oneMessage: boolean;
  readonly close: { readonly code: number; readonly reason: string };
  readonly slash: boolean;
  readonly level: "quiet" | "normal" | "verbose";
  readonly showPings: boolean;
  readonly printRtts: boolean;
  /** Milliseconds; 0 sends none. */
  readonly pingInterval: number;
  /** Milliseconds; 0 waits for ever. */
  readonly pingTimeout: number;
}

const group = "client";

export const CONNECT_FLAGS: readonly Flag[] = [
  {
    name: "subprotocol",
    short: "s",
    placeholder: "NAME",
    help: "subprotocol to offer; may be repeated, or a list with commas",
  },
  { name: "text", short: "t", help: "a line of stdin is a text message (the default)" },
  {
    name: "binary",
    short: "b",
    help: "stdin is sent as binary messages as it is read, and nothing is added to what comes",
  },
  {
    name: "execute",
    short: "x",
    placeholder: "MESSAGE",
    help: "send this in place of stdin, with --no-close before it; may be repeated",
  },
  {
    name: "wait",
    short: "w",
    placeholder: "SECONDS",
    help: "how long to stay for answers after the last message (default 2, at the end of typed input 0)",
  },
  {
    name: "one-message",
    short: "1",
    help: "end when one message has come, and send one line of stdin at most",
  },
  { name: "exit-on-eof", short: "E", help: "close at once when all is sent: --wait 0" },
  { name: "no-close", help: "when all is sent, stay until the server closes" },
  { name: "close-status-code", placeholder: "CODE", help: "close with this code (default 1000)" },
  { name: "close-reason", placeholder: "TEXT", help: "close with this reason" },
  { name: "show-ping-pong", short: "P", help: "tell of each ping and pong" },
  {
    name: "ping-interval",
    placeholder: "SECONDS",
    help: "ping so often (default 5 where one of the next two is given, else never)",
  },
  { name: "ping-timeout", placeholder: "SECONDS", help: "fail when a pong takes longer" },
  { name: "print-ping-rtts", help: "tell how long each pong took" },
  { name: "json", help: "one JSON object a line on stdout for all that happens, both directions" },
  { name: "slash", help: "/ping, /pong and /close CODE REASON are commands, // sends a /" },
  { name: "quiet", short: "q", help: "say only what went wrong" },
  { name: "verbose", short: "v", help: "tell of each message: < in, > out, = state" },
].map((flag) => clientFlag({ ...flag, group }));

/** Milliseconds between pings where only their pongs were asked for. */
const PING_MS = 5_000;

/** @throws FairleadError USAGE */
export function readOptions({ given, texts }: Arguments): ConnectOptions {
  for (const names of EXCLUSIVE) exclude(given, names);
  const execute = texts.get("execute") ?? [];
  const pingTimeout = seconds(given, "ping-timeout") ?? 0;
  const printRtts = given.has("print-ping-rtts");
  return {
    protocols: subprotocols(texts.get("subprotocol") ?? []),
    form: given.has("binary") ? "bytes" : "lines",
    json: given.has("json"),
    execute,
    readsInput: execute.length === 0 || given.has("no-close"),
    wait: waitOf(given),
    oneMessage: given.has("one-message"),
    close: closeOf(given),
    slash: given.has("slash"),
    level: given.has("quiet") ? "quiet" : given.has("verbose") ? "verbose" : "normal",
    showPings: given.has("show-ping-pong"),
    printRtts,
    pingInterval: seconds(given, "ping-interval") ?? (printRtts || pingTimeout > 0 ? PING_MS : 0),
    pingTimeout,
  };
}

type Given = Arguments["given"];

/** Of each row one at most: the second would be forgotten in silence. */
const EXCLUSIVE = [
  ["text", "binary"],
  ["binary", "slash"],
  ["quiet", "verbose"],
  ["wait", "exit-on-eof", "no-close"],
];

function exclude(given: Given, names: readonly string[]): void {
  const [first, second] = names.filter((name) => given.has(name));
  if (second !== undefined) throw usage(`--${first} and --${second} exclude each other; leave one out`);
}

function waitOf(given: Given): number | undefined {
  if (given.has("exit-on-eof")) return 0;
  return given.has("no-close") ? Number.POSITIVE_INFINITY : seconds(given, "wait");
}

function seconds(given: Given, name: string): number | undefined {
  const text = given.get(name);
  return text === undefined ? undefined : parseSeconds(name, text);
}

function closeOf(given: Given): ConnectOptions["close"] {
  const text = given.get("close-status-code") ?? "1000";
  const code = /^\d{4}$/.test(text) ? Number(text) : Number.NaN;
  const reason = given.get("close-reason") ?? "";
  const problem = closeProblem(code, reason);
  if (Number.isNaN(code)) throw usage(`--close-status-code needs a number like 1000, got ${showValue(text)}`);
  if (problem !== undefined) throw usage(problem);
  return { code, reason };
}

/** RFC 6455 section 4.1: each name is a token, and none stands twice. */
export function subprotocols(lists: readonly string[]): string[] {
  const names = lists.flatMap((list) => list.split(",")).map((name) => name.trim());
  const bad = names.find((name) => !isHttpToken(name));
  if (bad !== undefined) throw usage(`--subprotocol needs a name, got ${showValue(bad)}`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw usage(`--subprotocol has ${showValue(twice)} twice`);
  return names;
}
