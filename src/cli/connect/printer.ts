/**
 * What happens, as people and programs read it. stdout carries data only: messages as they are where it is a pipe or a file, escaped where
 * it is a terminal, or one JSON object a line. Everything else is talk, for stderr.
 */
import { CLOSE_CODES } from "../../wire/close-codes.ts";
import { escapeControls, escapeLine, hexLine } from "./escape.ts";
import type { ConnectEvent } from "./events.ts";
import type { ConnectOptions } from "./options.ts";

export interface Screen {
  out(data: string | Uint8Array): void;
  /** One line, without its end. */
  talk(line: string): void;
  readonly outIsTerminal: boolean;
  /** Someone types, so they are told when to begin. */
  readonly isInteractive: boolean;
  readonly outHasColour: boolean;
  /** Unix milliseconds. */
  wall(): number;
}

type Style = Pick<ConnectOptions, "form" | "json" | "level" | "showPings" | "printRtts">;
export type Print = (event: ConnectEvent) => void;

/** SGR: what came is told from what was typed. */
const [COLOUR, PLAIN] = ["\u001b[36m", "\u001b[39m"];

export function createPrinter(style: Style, screen: Screen): Print {
  const data = style.json ? jsonData(screen) : plainData(style.form, screen);
  return (event) => {
    data(event);
    for (const line of talkOf(event, style, screen.isInteractive)) screen.talk(line);
  };
}

function jsonData({ out, wall }: Screen): Print {
  return ({ type, direction, ...rest }) => {
    const json = JSON.stringify({ time: wall(), direction, type, ...writable(rest) });
    out(`${escapeControls(json)}\n`);
  };
}

/** Bytes as base64, under the name that fairlead.v1 has for it. */
function writable(fields: object): object {
  if (!("data" in fields) || !(fields.data instanceof Uint8Array)) return fields;
  const { data, ...rest } = fields;
  return { base64: Buffer.from(data).toString("base64"), ...rest };
}

function plainData(form: Style["form"], screen: Screen): Print {
  const show = screen.outIsTerminal ? shownData(form, screen) : pipedData(form, screen);
  return (event) => {
    if (event.direction === "in" && (event.type === "text" || event.type === "binary")) show(event.data);
  };
}

function pipedData(form: Style["form"], { out }: Screen): (data: string | Uint8Array) => void {
  if (form === "bytes") return out;
  return (data) => {
    if (typeof data === "string") return out(`${data}\n`);
    out(data);
    out("\n");
  };
}

function shownData(form: Style["form"], { out, outHasColour }: Screen): (data: string | Uint8Array) => void {
  const decoder = new TextDecoder();
  const asText = (data: string | Uint8Array) =>
    typeof data === "string" ? data : decoder.decode(data, { stream: true });
  const coloured = (text: string) => (outHasColour && text !== "" ? `${COLOUR}${text}${PLAIN}` : text);
  if (form === "bytes") return (data) => out(coloured(escapeControls(asText(data))));
  return (data) => out(`${coloured(typeof data === "string" ? escapeControls(data) : hexLine(data))}\n`);
}

const ARROWS = { in: "<", out: ">" } as const;

function talkOf(event: ConnectEvent, style: Style, isInteractive: boolean): string[] {
  const { level, showPings, printRtts } = style;
  if (event.type === "ping" || event.type === "pong") {
    const trace = showPings || level === "verbose" ? [traceOf(event)] : [];
    return event.rtt === undefined || !printRtts ? trace : [...trace, `rtt ${event.rtt.toFixed(2)} ms`];
  }
  if (level === "verbose") return [traceOf(event)];
  if (level === "quiet" || !isInteractive) return [];
  if (event.type === "open") return [`${openText(event)}; Ctrl-C ends`];
  return event.type === "close" ? [`closed: ${closeText(event.code, event.reason)}`] : [];
}

function traceOf(event: ConnectEvent): string {
  if (event.type === "open") return `= ${openText(event)}`;
  const arrow = ARROWS[event.direction];
  if (event.type === "close") return `${arrow} close ${closeText(event.code, event.reason)}`;
  const size = `${event.type} ${Buffer.byteLength(event.data)} B`;
  if (event.type === "text" || event.type === "binary") return `${arrow} ${size}`;
  const payload = escapeLine(Buffer.from(event.data).toString());
  return `${arrow} ${event.type}${payload === "" ? "" : ` ${payload}`}`;
}

function openText({ url, protocol }: Extract<ConnectEvent, { type: "open" }>): string {
  return `connected to ${escapeLine(url)}${protocol === "" ? "" : `, subprotocol ${escapeLine(protocol)}`}`;
}

/** `4008 no pong: its reason`, with the name where the gateway's table has one. */
export function closeText(code: number, reason: string): string {
  const name = code in CLOSE_CODES ? CLOSE_CODES[code as keyof typeof CLOSE_CODES].name : OTHER_NAMES[code];
  return `${code}${name === undefined ? "" : ` ${name}`}${reason === "" ? "" : `: ${escapeLine(reason)}`}`;
}

/** RFC 6455 section 7.4.1: these say how it ended and were never sent. */
const OTHER_NAMES: Readonly<Record<number, string>> = { 1005: "no code given", 1006: "lost without a close" };
