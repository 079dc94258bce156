/** Group 0, RFC 6455 sections 4.1 and 4.2: which requests become a WebSocket, and what the others are answered. Our own; the suite has none. */
import { EXTENSIONS } from "../deflate.ts";
import { frame, type HeadOptions } from "../raw-client.ts";
import { type Case, type Group, survives, text } from "./case.ts";

type Headers = NonNullable<HeadOptions["headers"]>;
const KEY = "Sec-WebSocket-Key";
const PROTOCOL = "Sec-WebSocket-Protocol";

/** It becomes one, with these headers in the answer, and works. */
function opens(id: string, title: string, headers: Headers, answered: Case["answered"] = {}): Case {
  return {
    ...survives({ id: `0.1.${id}`, title }, [frame("open")], [text("open")]),
    head: { headers },
    answered: { status: 101, upgrade: "websocket", ...answered },
  };
}

function refused(id: string, title: string, status: number, head: HeadOptions, answered: object = {}): Case {
  const plan = () => ({ send: [], strict: { back: [], ends: [] } });
  return { id: `0.2.${id}`, title, head, answered: { status, ...answered }, plan };
}

/** Section 1.3 has this pair. */
const ACCEPT = { "sec-websocket-accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" };
const VERSION = { "sec-websocket-version": "13" };
const only = (name: string, value: string | readonly string[] | null): HeadOptions => ({
  headers: { [name]: value },
});

export const handshake: Group = {
  id: "0",
  title: "handshake",
  cases: [
    opens("1", "the key is answered as section 1.3 says", { [KEY]: "dGhlIHNhbXBsZSBub25jZQ==" }, ACCEPT),
    opens("2", "`Upgrade` in other letters", { Upgrade: "WebSocket" }),
    opens("3", "`upgrade` in a list of `Connection`, in other letters", {
      Connection: "keep-alive, UPGRADE",
    }),
    opens(
      "4",
      "names of headers in other letters",
      { [KEY]: null, "SEC-WEBSOCKET-KEY": "dGhlIHNhbXBsZSBub25jZQ==" },
      ACCEPT,
    ),
    opens(
      "5",
      "a subprotocol that the server does not speak is not echoed",
      { [PROTOCOL]: "chat" },
      { [PROTOCOL]: null },
    ),
    opens(
      "6",
      "an extension that the server does not know is not echoed",
      { [EXTENSIONS]: "unknown" },
      { [EXTENSIONS]: null },
    ),
    opens("7", "headers that mean nothing here", {
      "X-Unknown": "1",
      Cookie: "a=b",
      "Cache-Control": "no-cache",
    }),
    refused("1", "no `Upgrade`", 426, only("Upgrade", null), { upgrade: "websocket", ...VERSION }),
    refused("2", "another protocol in `Upgrade`", 426, only("Upgrade", "h2c"), VERSION),
    refused("3", "no `Connection`", 400, only("Connection", null)),
    refused("4", "`Connection` without `upgrade`", 400, only("Connection", "keep-alive")),
    refused("5", "no key", 400, only(KEY, null)),
    refused("6", "an empty key", 400, only(KEY, "")),
    refused("7", "a key of 15 bytes", 400, only(KEY, Buffer.alloc(15).toBase64())),
    refused("8", "two keys", 400, only(KEY, ["dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="])),
    refused("9", "no version", 426, only("Sec-WebSocket-Version", null), VERSION),
    refused("10", "version 8", 426, only("Sec-WebSocket-Version", "8"), VERSION),
    refused("11", "version 14", 426, only("Sec-WebSocket-Version", "14"), VERSION),
    refused("12", "POST", 405, { method: "POST" }, { allow: "GET" }),
    refused("13", "no `Host`", 400, only("Host", null)),
  ],
};
