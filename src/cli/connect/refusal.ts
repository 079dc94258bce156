/**
 * Why a connection did not open. The runtime's WebSocket tells the status of a refused handshake and hides its text, so the same
 * handshake is made once more as a plain request, which shows it. Not after 429: that server asked to be left alone.
 */
import { type Handshake, socketOptions } from "../handshake-flags.ts";
import { escapeLine } from "./escape.ts";

/** What the runtime said. */
export interface Failure {
  readonly message: string;
  readonly code: string | undefined;
}

const MAX_TEXT = 1_000;
const ASK_MS = 5_000;
const TOO_MANY = "too many connections, or they come too fast; end one, or try again in some seconds";

/** One line for people, without the URL. Never rejects. */
export async function refusalText(
  handshake: Handshake,
  protocols: readonly string[],
  failure: Failure = { message: "the connection ended", code: undefined },
): Promise<string> {
  const status = Number(/Expected 101 status code: (\d{3})/.exec(failure.message)?.[1]);
  if (Number.isNaN(status)) return failureText(failure);
  const text = status === 429 ? TOO_MANY : await answerText(handshake, protocols, status);
  return `the handshake was refused with HTTP ${status}${text === "" ? "" : `: ${text}`}`;
}

/** How the runtime says that the server answered without one of our subprotocols. */
const UNCHOSEN = "Missing client protocol";

const HINTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "; nothing listens there",
  ENOTFOUND: "; no host has this name",
  ECONNRESET: "; does it speak WebSocket, and TLS only where the URL says wss?",
  EPROTO: "; does it speak TLS? Without, the URL begins with ws://",
};

/** What else can go wrong, with a hint where there is one; without the URL, which the runtime puts before it. */
export function failureText({ message, code = "" }: Failure): string {
  const said = message.replace(/^WebSocket connection to '.*?' failed: /s, "");
  if (said === UNCHOSEN) return "the server speaks none of the subprotocols that were offered";
  const hint = /certificate/i.test(said)
    ? "; --cacert FILE trusts a certificate, --insecure takes any"
    : (HINTS[code] ?? "");
  return `${escapeLine(said)}${code === "" ? "" : ` (${code})`}${hint}`;
}

async function answerText(
  { url, options }: Handshake,
  protocols: readonly string[],
  status: number,
): Promise<string> {
  const key = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64");
  const { headers, ...rest } = socketOptions(options);
  const own: [string, string][] = [
    ["Connection", "Upgrade"],
    ["Upgrade", "websocket"],
    ["Sec-WebSocket-Version", "13"],
    ["Sec-WebSocket-Key", key],
    ...(protocols.length === 0 ? [] : [["Sec-WebSocket-Protocol", protocols.join(", ")] as [string, string]]),
  ];
  try {
    const response = await fetch(url.replace(/^ws/, "http"), {
      ...rest,
      headers: [...headers, ...own],
      redirect: "manual",
      signal: AbortSignal.timeout(ASK_MS),
    });
    if (response.status === 101) return "asked once more it was accepted, so try again";
    const location = response.headers.get("location");
    if (location !== null) return `it is at ${escapeLine(location)}`;
    return response.status === status ? escapeLine(await beginning(response)) : "";
  } catch {
    return ""; // the status is what counts, and it is known
  }
}

/** As much of the body as a line may be, read no further. */
async function beginning({ body }: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_TEXT) return `${text.slice(0, MAX_TEXT)}...`;
  }
  return text.trim();
}
