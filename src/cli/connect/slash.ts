/** Lines that are commands under --slash: control frames by hand. `//text` is the text `/text`. Pure. */
import { MAX_REASON_BYTES } from "../../wire/close-codes.ts";
import { escapeLine } from "./escape.ts";

export type Slash =
  | { readonly do: "send"; readonly text: string }
  | { readonly do: "ping" | "pong"; readonly data: string }
  | { readonly do: "close"; readonly code: number; readonly reason: string }
  | { readonly do: "complain"; readonly text: string };

/** RFC 6455 section 5.5: what a control frame carries at most. */
const MAX_CONTROL_BYTES = 125;

export function readSlash(line: string): Slash {
  if (!line.startsWith("/")) return { do: "send", text: line };
  if (line.startsWith("//")) return { do: "send", text: line.slice(1) };
  const [, word = "", rest = ""] = /^\/(\S*)\s*(.*)$/s.exec(line) ?? [];
  if (word === "ping" || word === "pong") return frame(word, rest);
  if (word === "close") return close(rest);
  return complain(`/${word.slice(0, 20)} is no command; there are /ping, /pong and /close, and // sends a /`);
}

function frame(word: "ping" | "pong", data: string): Slash {
  if (Buffer.byteLength(data) <= MAX_CONTROL_BYTES) return { do: word, data };
  return complain(`/${word} carries at most ${MAX_CONTROL_BYTES} bytes`);
}

function close(rest: string): Slash {
  const [, digits = "1000", reason = ""] = /^(\d+)?\s*(.*)$/s.exec(rest) ?? [];
  const problem = closeProblem(Number(digits), reason);
  return problem === undefined ? { do: "close", code: Number(digits), reason } : complain(problem);
}

function complain(text: string): Slash {
  return { do: "complain", text: escapeLine(text) };
}

/** Why a client cannot close like this; undefined when it can. RFC 6455 section 7.4. */
export function closeProblem(code: number, reason: string): string | undefined {
  const isOurs =
    (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999);
  if (!isOurs) return `a client closes with 1000 to 1014 (not 1004, 1005, 1006) or 3000 to 4999, got ${code}`;
  if (Buffer.byteLength(reason) <= MAX_REASON_BYTES) return undefined;
  return `a close reason has at most ${MAX_REASON_BYTES} bytes, got ${Buffer.byteLength(reason)}`;
}
