/** The bridges of `fairlead tunnel`: how each is opened, and what people hear of it. */
import { type Bridge, type FairleadClientError, openBridge } from "../../client/bridge.ts";
import { escapeLine } from "../connect/escape.ts";
import { failureText } from "../connect/refusal.ts";
import { type Handshake, webSocketWith } from "../handshake-flags.ts";

/** quiet: only what was not opened or is lost. verbose: also who comes and goes. */
export type Detail = "quiet" | "normal" | "verbose";

export interface PassageOptions {
  readonly detail: Detail;
  /** ms; undefined: as the library has it. */
  readonly patience?: number | undefined;
}

/** `say` is told what happens to it, a line at a time. */
export type OpenPassage = (say: (line: string) => void, signal: AbortSignal) => Bridge;

export function createPassages(
  { url, options }: Handshake,
  { detail, patience }: PassageOptions,
): OpenPassage {
  const WebSocket = webSocketWith(options);
  return (say, signal) => {
    const bridge = openBridge(url, { WebSocket, signal, patience });
    follow(bridge, detail, (text) => say(escapeLine(text)));
    return bridge;
  };
}

function follow(bridge: Bridge, detail: Detail, say: (text: string) => void): void {
  let isAway = false;
  bridge.onStatus((status) => {
    if (status.type === "closed") {
      if (status.error !== undefined) say(explain(status.error));
      else if (detail === "verbose") say("ended");
    } else if (status.type === "away") {
      const why = `${status.code} ${status.reason}`.trim();
      if (!isAway && detail !== "quiet") say(`the connection is lost (${why}); trying again`);
      isAway = true;
    } else if (status.type === "open") {
      if (isAway && detail !== "quiet") say("goes on");
      else if (detail === "verbose") say("open");
      isAway = false;
    }
  });
}

/** A handshake that failed is told in the runtime's words: the library only knows that it did. */
function explain({ code, message, cause }: FairleadClientError): string {
  if (code !== "refused" || cause === undefined) return message;
  const said = cause instanceof Error ? cause : new Error(String(cause));
  const status = /Expected 101 status code: (\d{3})/.exec(said.message)?.[1];
  if (status === undefined) return `no bridge: ${failureText({ message: said.message, code: codeOf(said) })}`;
  return `no bridge: the handshake was refused with HTTP ${status}; fairlead connect shows what the server says of it`;
}

function codeOf(error: Error): string | undefined {
  return "code" in error ? String(error.code) : undefined;
}
