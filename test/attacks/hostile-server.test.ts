/** Servers that answer as no server may; those that compress wrongly stand in deflate-client.test.ts: the library and the command line fail, and nothing is thrown past them. */
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { connect as connectSession, ReconnectingSocket } from "../../src/client/index.ts";
import { main } from "../cli/fairlead.ts";
import { frame } from "../raw-client.ts";
import { startService, type TcpPeer, type TcpService } from "../tcp-service.ts";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Answers each handshake with these header lines, and says these bytes behind it. */
async function answers(lines: readonly string[], bytes: Uint8Array = Buffer.alloc(0)): Promise<TcpService> {
  const serve = async (peer: TcpPeer) => {
    await peer.has(20);
    const key = /sec-websocket-key: (\S+)/i.exec(peer.text())?.[1] ?? "";
    const accept = createHash("sha1").update(`${key}${GUID}`).digest("base64");
    const head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
    const all = [...head, `Sec-WebSocket-Accept: ${accept}`, ...lines].join("\r\n");
    await peer.write(Buffer.concat([Buffer.from(`${all}\r\n\r\n`), bytes]));
    peer.end();
  };
  return await startService((peer) => void serve(peer).catch(() => peer.destroy()));
}

const unmasked = (payload: string | Uint8Array, rsv = 0) => frame(payload, { mask: false, rsv });
const V1 = "Sec-WebSocket-Protocol: fairlead.v1";

const HOSTILE: readonly (readonly [what: string, lines: readonly string[], bytes?: Uint8Array])[] = [
  [
    "garbage behind RSV1",
    ["Sec-WebSocket-Extensions: permessage-deflate"],
    unmasked(Buffer.of(1, 2, 3, 4), 4),
  ],
  ["RSV1 without an extension", [], unmasked("x", 4)],
  ["an extension nobody offered", ["Sec-WebSocket-Extensions: constructor"], unmasked("x", 4)],
  ["a masked frame", [], frame("x")],
  ["a subprotocol nobody offered", ["Sec-WebSocket-Protocol: constructor"], unmasked("x")],
  ["half a frame", [], unmasked("x".repeat(100)).subarray(0, 40)],
  ["text that is not UTF-8", [], unmasked(Buffer.of(0xff))],
];

describe("a server that answers with", () => {
  test.each(HOSTILE)(
    "%s loses a socket of the library, which hears of it as a close",
    async (_, lines, bytes) => {
      using server = await answers(lines, bytes);
      const socket = new ReconnectingSocket(`ws://${server.target}/`);
      const { code, wasClean } = await new Promise<{ code: number; wasClean: boolean }>((resolve) => {
        socket.onclose = resolve;
      });
      socket.close();
      expect(wasClean).toBe(false);
      expect([1002, 1006, 1007]).toContain(code);
    },
  );

  test.each(HOSTILE)(
    "%s is no welcome for a session, which says that it is away",
    async (_, lines, bytes) => {
      using server = await answers([V1, ...lines], bytes);
      const session = connectSession(`ws://${server.target}/`);
      const away = await new Promise<string>((resolve) => {
        session.onStatus(({ type }) => {
          if (type !== "connecting") resolve(type);
        });
      });
      session.close();
      expect(["away", "closed"]).toContain(away);
    },
  );

  test.each(HOSTILE.slice(0, 4))(
    "%s ends the command line with 1 and a line, not with a stack",
    async (_, lines, bytes) => {
      using server = await answers(lines, bytes);
      const child = Bun.spawn([process.execPath, main, "connect", "-x", "hello", `ws://${server.target}/`], {
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
      });
      const talk = await new Response(child.stderr).text();
      expect(await child.exited).toBe(1);
      expect(talk).not.toContain("    at ");
    },
  );
});
