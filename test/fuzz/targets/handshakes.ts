/** Heads: upgrades of all kinds and plain requests, each wrong in a place or two. Whatever comes, the answer is never a 500. */
import type { Chance } from "../chance.ts";
import { exchange } from "../exchange.ts";
import { mutateBytes, ODD_TEXTS } from "../mutate.ts";
import type { Target } from "../target.ts";
import { judge } from "../verdict.ts";

interface Head {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

const PATHS = [
  "/echo",
  "/room/a",
  "/feed/a.b?last=3",
  "/relay",
  "/pipe?group=g&role=center",
  "/bridge",
  "/bridge?sid=AAAAAAAAAAAAAAAAAAAAAA&ack=0",
  "/to/a",
  "/asked?host=127.0.0.1&port=9",
];
const ODD_PATHS = [
  "*",
  "//evil.example/",
  "http://evil.example/echo",
  "/room/%2e%2e%2fx",
  "/room/%00",
  "/room/%ff",
  "/room/a/../../echo",
  "/echo\\..\\x",
  "/to/constructor",
  "/to/__proto__",
  "/echo?",
  "/echo#x",
  `/room/${"x".repeat(300)}`,
  `/${"a/".repeat(2_000)}`,
];
const PROTOCOLS = [
  "fairlead.v1",
  "binary",
  "fairlead.bridge.v1, binary",
  "ssh",
  "fairlead.v1, fairlead.token.abc",
];
const WORDS = [
  ...ODD_TEXTS.filter((word) => word.length < 80),
  ",",
  ";",
  "a, b",
  "websocket, h2c",
  "permessage-deflate; client_max_window_bits=99",
  "Basic eDp5",
  "Bearer a.b.c",
  "chunked",
  "null",
  "https://evil.example",
  "[::1]:80",
  '"'.repeat(50),
  " ".repeat(500),
];
const NAMES = [
  "Host",
  "Origin",
  "Content-Length",
  "Transfer-Encoding",
  "Sec-WebSocket-Extensions",
  "Sec-WebSocket-Protocol",
  "Authorization",
  "X-Forwarded-For",
  "Forwarded",
  "Expect",
  "Last-Event-ID",
  "Range",
  "Cookie",
  "__proto__",
];

function upgradeOf(chance: Chance): Head {
  return {
    method: "GET",
    target: chance.pick(PATHS),
    version: "HTTP/1.1",
    headers: [
      ["Host", "127.0.0.1"],
      ["Connection", "Upgrade"],
      ["Upgrade", "websocket"],
      ["Sec-WebSocket-Key", chance.bytes(16).toString("base64")],
      ["Sec-WebSocket-Version", "13"],
      ...(chance.is(0.5) ? [["Sec-WebSocket-Protocol", chance.pick(PROTOCOLS)] as const] : []),
      ...(chance.is(0.2) ? [["Sec-WebSocket-Extensions", "permessage-deflate"] as const] : []),
    ],
    body: "",
  };
}

function requestOf(chance: Chance): Head {
  const body = chance.pick(["", '{"a":1}', "x".repeat(1_000)]);
  const type = chance.pick(["application/json", "text/plain", "application/octet-stream"]);
  const accept = chance.pick(["*/*", "text/html", "text/event-stream", "application/json"]);
  return {
    method: body === "" ? "GET" : "POST",
    target: chance.pick(["/", "/metrics", "/healthz", "/readyz", "/feed/a", "/room/a", "/echo"]),
    version: "HTTP/1.1",
    headers: [
      ["Host", "127.0.0.1"],
      ["Accept", accept],
      ...(body === ""
        ? []
        : ([
            ["Content-Type", type],
            ["Content-Length", `${body.length}`],
          ] as const)),
    ],
    body,
  };
}

function spoiled(chance: Chance, head: Head): Head {
  const at = chance.below(head.headers.length);
  const [name = "X", value = ""] = head.headers[at] ?? [];
  const replaced = (with_: readonly (readonly [string, string])[]) => ({
    ...head,
    headers: head.headers.toSpliced(at, 1, ...with_),
  });
  switch (chance.below(10)) {
    case 0:
      return {
        ...head,
        method: chance.pick(["POST", "HEAD", "OPTIONS", "PUT", "CONNECT", "get", "A B", ""]),
      };
    case 1:
      return { ...head, target: chance.pick(ODD_PATHS) };
    case 2:
      return { ...head, target: mutateBytes(chance, Buffer.from(head.target), WORDS).toString("latin1") };
    case 3:
      return {
        ...head,
        version: chance.pick(["HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "", "http/1.1"]),
      };
    case 4:
      return replaced([]);
    case 5:
      return replaced([[name, chance.pick(WORDS)]]);
    case 6:
      return replaced([[name, mutateBytes(chance, Buffer.from(value), WORDS).toString("latin1")]]);
    case 7:
      return replaced([
        [name, value],
        [name, chance.pick([value, ...WORDS])],
      ]);
    case 8:
      return {
        ...head,
        headers: [
          ...head.headers,
          ...Array.from(
            { length: chance.pick([1, 90, 220]) },
            () => head.headers[at] ?? (["X", "y"] as const),
          ),
        ],
      };
    default:
      return { ...head, headers: [...head.headers, [chance.pick(NAMES), chance.pick(WORDS)]] };
  }
}

function written({ method, target, version, headers }: Head): string {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${target} ${version}\r\n${lines.join("")}\r\n`;
}

export const handshakes: Target = {
  name: "handshakes",
  isOnTheWire: true,
  make(chance) {
    let head = chance.is(0.75) ? upgradeOf(chance) : requestOf(chance);
    for (let left = chance.pick([0, 1, 1, 1, 2]); left > 0; left -= 1) head = spoiled(chance, head);
    const bytes = Buffer.from(`${written(head)}${head.body}`, "latin1");
    return [chance.is(0.1) ? mutateBytes(chance, bytes, WORDS) : bytes];
  },
  async run(input, { host }) {
    const heard = await exchange(host, input);
    judge(Buffer.concat(input), heard);
    // What the runtime refuses by itself has no body.
    return /^HTTP\/1\.1 101 |^content-type: /im.test(heard.toString("latin1"));
  },
};
