/** undici CVE-2026-2229, NATS CVE-2026-29785: a server that answers with an extension that cannot be, or breaks it. Our clients fail that connection, and throw nothing, which `bun test` would count as a failure. */
import { describe, expect, onTestFinished, test } from "bun:test";
import { createHash } from "node:crypto";
import { createServer } from "node:net";
import { connect, type Status } from "../../src/client/index.ts";
import { talk } from "../cli/connect/talk.ts";
import { deflated, RSV1 } from "../deflate.ts";
import { bounded, frame, OPCODE } from "../raw-client.ts";

/** Accepts every handshake with these extensions, says these bytes, and nothing more. Its URL. */
async function hostile(
  extensions: string | undefined,
  bytes: Uint8Array = new Uint8Array(),
): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (head) => {
      socket.write(answer(head.toString(), extensions));
      socket.write(bytes);
    });
  });
  onTestFinished(() => void server.close());
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  return `ws://127.0.0.1:${typeof address === "object" ? address?.port : ""}/`;
}

function answer(head: string, extensions: string | undefined): string {
  const header = (name: string) => new RegExp(`^${name}: (\\S+)`, "im").exec(head)?.[1];
  const accept = createHash("sha1").update(
    `${header("Sec-WebSocket-Key")}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`,
  );
  const protocol = header("Sec-WebSocket-Protocol");
  return [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${accept.digest("base64")}`,
    ...(protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]),
    ...(extensions === undefined ? [] : [`Sec-WebSocket-Extensions: ${extensions}`]),
    "\r\n",
  ].join("\r\n");
}

/** What a session says first after it has begun to connect. */
async function firstLoss(url: string): Promise<Status> {
  const session = connect(url);
  const lost = new Promise<Status>((resolve) => {
    session.onStatus((status) => {
      if (status.type !== "connecting") resolve(status);
    });
  });
  try {
    return await bounded("the loss", lost);
  } finally {
    session.close();
  }
}

const WRONG = [
  ...["7", "16", "99", "abc", "", "-1", "9".repeat(5_000)].flatMap((bits) => [
    `permessage-deflate; server_max_window_bits=${bits}`,
    `permessage-deflate; client_max_window_bits=${bits}`,
  ]),
  "permessage-deflate; client_max_window_bits",
  "permessage-deflate; unknown",
  "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
  "permessage-deflate, permessage-deflate",
  "constructor",
  "__proto__",
];

const packed = (payload: Uint8Array, opcode: number = OPCODE.text) =>
  frame(payload, { mask: false, rsv: RSV1, opcode });
const BROKEN = [
  ["garbage after RSV1", packed(Buffer.alloc(8, 0xff))],
  ["half a character", packed(deflated(Buffer.of(0xe2, 0x98)))],
  ["48 KiB that inflate to 256 MiB", packed(deflated(Buffer.alloc(256 * 1024 ** 2)), OPCODE.binary)],
  [
    "RSV1 on a second fragment",
    Buffer.concat([
      frame("a", { mask: false, fin: false }),
      frame("b", { mask: false, opcode: OPCODE.continuation, rsv: RSV1 }),
    ]),
  ],
  ["RSV1 on a ping", packed(Buffer.alloc(0), OPCODE.ping)],
] as const;

describe("a session fails the connection and tries again", () => {
  test.each(WRONG.map((extensions) => [extensions.slice(0, 60), extensions] as const))(
    "if the server answers `%s`",
    async (_, extensions) => {
      expect(await firstLoss(await hostile(extensions))).toMatchObject({ type: "away", code: 1006 });
    },
  );

  test.each(BROKEN)("if the server says %s", async (_, bytes) => {
    expect(await firstLoss(await hostile("permessage-deflate", bytes))).toMatchObject({
      type: "away",
      code: 1006,
    });
  });

  test("if the server compresses, and did not say that it would", async () => {
    const bytes = packed(deflated("surprise"));
    expect(await firstLoss(await hostile(undefined, bytes))).toMatchObject({ type: "away", code: 1006 });
  });
});

describe("`fairlead connect` offers no compression, so it", () => {
  test.each(["permessage-deflate", ...WRONG.slice(0, 4)])("refuses `%s`, in one line", async (extensions) => {
    const { code, out, talk: lines } = await talk(await hostile(extensions), []);
    expect([code, out, lines.length]).toEqual([1, "", 1]);
  });

  test.each(BROKEN.map(([title, bytes]) => [title, bytes] as const))(
    "ends at %s, in one line",
    async (_, bytes) => {
      const { code, out, talk: lines } = await talk(await hostile(undefined, bytes), []);
      expect([code, out, lines.length]).toEqual([1, "", 1]);
    },
  );
});
