/** What a stranger may try to reach that the config does not name, over the wire. Each attempt is refused, and nobody is dialled. */
import { describe, expect, test } from "bun:test";
import { bridgeOptions } from "../../../src/config/kinds/bridge.ts";
import { createCapacity } from "../../../src/limits.ts";
import { createRouteCounters } from "../../../src/metrics.ts";
import { createBridge } from "../../../src/routes/bridge.ts";
import {
  BRIDGE_PROTOCOL,
  connectFrame,
  dataFrame,
  MAX_DATA,
  readFrame,
} from "../../../src/wire/bridge-frames.ts";
import { eventually } from "../../calm.ts";
import { testClock } from "../../clock.ts";
import { memoryLog, startGateway } from "../../gateway.ts";
import { ask, upgrade } from "../../raw-client.ts";
import { binary, nextData, readBytes, readToEnd } from "../../routes/bridge-house.ts";
import { serveRoute } from "../../serve-route.ts";
import { startService } from "../../tcp-service.ts";

/** A bridge whose DNS is in the attacker's hands: each question gets the next answer. */
function attacked(allow: string[], ...answers: string[][]) {
  const options = bridgeOptions.parse({ kind: "bridge", allow });
  const capacity = createCapacity(0);
  const [clock, log] = [testClock(), memoryLog(true)];
  const resolve = async () => (answers.length > 1 ? answers.shift() : answers[0]) ?? [];
  const bridge = createBridge({
    counters: createRouteCounters("/x", "bridge"),
    options,
    capacity,
    clock,
    log,
    route: "/x/:name",
    resolve,
  });
  const served = serveRoute(bridge);
  const status = async (query: string) => {
    const { status, body } = await ask(served.host, { path: `/x/a?${query}` });
    return `${status} ${body.split(":")[0]}`;
  };
  return { ...served, log, upstreams: capacity, status };
}

const portOf = (target: string) => target.split(":")[1];

describe("a name in the attacker's hands", () => {
  test("that answers with a public address first and loopback then leads to the one that was checked", async () => {
    using service = await startService((peer) => void peer.write("hello"));
    const port = portOf(service.target);
    const house = attacked([`rebind.example:${port}`, `127.0.0.1:${port}`], ["127.0.0.1"], ["203.0.113.1"]);
    using client = await upgrade(house.host, { path: `/x/a?host=rebind.example&port=${port}` });
    expect((await readBytes(client, 5)).toString()).toBe("hello");
    expect(await house.status(`host=rebind.example&port=${port}`)).toBe("403 target_forbidden");
    expect(service.accepted).toBe(1);
  });

  test("that answers with a public address beside loopback is refused whole", async () => {
    using service = await startService();
    const port = portOf(service.target);
    for (const answer of [
      ["8.8.8.8", "127.0.0.1"],
      ["127.0.0.1", "8.8.8.8"],
      ["::ffff:127.0.0.1"],
      ["169.254.169.254"],
      ["0.0.0.0"],
      ["::1"],
    ]) {
      const house = attacked([`rebind.example:${port}`], answer);
      expect(await house.status(`host=rebind.example&port=${port}`)).toBe("403 target_forbidden");
      expect(house.upstreams.used).toBe(0);
    }
    expect(service.accepted).toBe(0);
  });
});

describe("an address that is written to pass for another", () => {
  const HOSTS = ["127.1", "0x7f.1", "0x7f000001", "2130706433", "017700000001", "127.0.0.1.", "127.0.0.01"];
  const HIDDEN = [
    "::ffff:127.0.0.1",
    "[::ffff:127.0.0.1]",
    "::ffff:7f00:1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "::",
  ];

  test("is refused, although the address it means is allowed to somebody who writes it plainly", async () => {
    using service = await startService();
    const port = portOf(service.target);
    const house = attacked(["127.0.0.0/8:*", "0.0.0.0/0:*", "[::]/0:*"], ["8.8.8.8"]);
    for (const host of [...HOSTS, ...HIDDEN])
      expect([host, await house.status(`host=${encodeURIComponent(host)}&port=${port}`)]).toEqual([
        host,
        "403 target_forbidden",
      ]);
    expect([service.accepted, house.upstreams.used]).toEqual([0, 0]);
  });
});

describe("a name that is more than a name", () => {
  const NAMES = [
    "a%0d%0ab",
    "a%00b",
    "a%0aX-Evil:%201",
    "..%2f..",
    "a%2f",
    "a%3fb",
    "a%23",
    "user@a",
    "a:22",
    "%1b[2J",
  ];

  test("is refused, and its line in the log has nothing that steers a terminal or begins a line", async () => {
    const house = attacked(["10.0.0.0/8:*"], ["10.0.0.1"]);
    for (const name of NAMES)
      expect([name, await house.status(`host=${name}&port=22`)]).toEqual([name, "403 target_forbidden"]);
    const told = house.log.lines.filter(({ text }) => text === "! target: not to be had");
    expect(told.length).toBe(NAMES.length);
    expect(told.map(({ host }) => String(host)).join("")).not.toMatch(/\p{Cc}/u);
  });

  test("is not looked for anywhere but in host and port, and each only once", async () => {
    const house = attacked(["10.0.0.1:22"], ["10.0.0.1"]);
    expect(await house.status("target=10.0.0.1:22")).toBe("400 bad_request");
    expect(await house.status("host=127.0.0.1&host=10.0.0.1&port=22")).toBe("403 target_forbidden");
    expect(await house.status("host=10.0.0.1&port=23&port=22")).toBe("403 target_forbidden");
    expect(await house.status("host=10.0.0.1:22&port=22")).toBe("403 target_forbidden");
  });
});

test("a path that climbs reaches no name that it does not spell", async () => {
  using service = await startService();
  const targets = { lab: service.target };
  await using gateway = await startGateway({
    "/vnc/:host": { kind: "bridge", targets },
    "/echo": { kind: "echo" },
  });
  const expected: Record<string, number> = {
    "/vnc/%2e%2e%2flab": 404,
    "/vnc/..%2flab": 404,
    "/vnc/lab%2f": 404,
    "/vnc/lab%00": 400,
    "/vnc/%6cab%2f..": 404,
    "/vnc/__proto__": 404,
    "/vnc/constructor": 404,
    "/vnc/hasOwnProperty": 404,
    "/vnc/%5f%5fproto%5f%5f": 404,
    "/vnc/": 400,
    "/vnc/%": 400,
    [`/vnc/${"x".repeat(256)}`]: 400,
  };
  for (const [path, status] of Object.entries(expected))
    expect([path, (await ask(gateway.host, { path })).status]).toEqual([path, status]);
  expect(service.accepted).toBe(0);
});

describe("the header of the PROXY protocol", () => {
  const told = async (trustProxy: string[], headers: Record<string, string>) => {
    using service = await startService();
    const bridge = { kind: "bridge", target: service.target, proxyProtocol: "v1" } as const;
    await using gateway = await startGateway({ "/b": bridge }, { trustProxy });
    using _client = await upgrade(gateway.host, { path: "/b", headers });
    const peer = await service.next();
    await eventually("the header", () => peer.text().endsWith("\r\n"));
    return peer.text();
  };
  const ITSELF = /^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\n$/;

  test("says nothing that a client made up, trusted proxy or not", async () => {
    for (const value of [
      "198.51.100.1 10.0.0.1 1 1",
      "198.51.100.1\t10.0.0.1",
      "198.51.100.1:1 2",
      "PROXY TCP4 198.51.100.1",
      "fe80::1%\tPROXY",
      "0x7f.1",
    ]) {
      expect(await told(["127.0.0.1"], { "X-Forwarded-For": value })).toMatch(ITSELF);
      expect(await told(["127.0.0.1"], { Forwarded: `for="${value}"` })).toMatch(ITSELF);
    }
    expect(await told([], { "X-Forwarded-For": "198.51.100.1" })).toMatch(ITSELF);
    expect(await told(["127.0.0.1"], { "X-Forwarded-For": "127.0.0.9, 198.51.100.1" })).toStartWith(
      "PROXY TCP4 198.51.100.1 ",
    );
  });
});

describe("the target of a stream", () => {
  const enter = (host: string, query: string) =>
    upgrade(host, { path: `/b?${query}`, headers: { "Sec-WebSocket-Protocol": BRIDGE_PROTOCOL } });

  test("is fixed when it is opened: neither frames nor a resume that names another address lead elsewhere", async () => {
    using one = await startService();
    using two = await startService();
    const allow = [one.target, two.target];
    await using gateway = await startGateway({ "/b": { kind: "bridge", allow } });
    const [host, other] = [
      `host=127.0.0.1&port=${portOf(one.target)}`,
      `host=127.0.0.1&port=${portOf(two.target)}`,
    ];
    using client = await enter(gateway.host, host);
    const peer = await one.next();
    const opened = readFrame((await nextData(client)).payload, MAX_DATA);
    if (opened?.type !== "connected") throw new Error("no CONNECT_SUCCESS");
    // An unknown tag with a target, bytes that look like a request of a proxy, then what only a server says.
    client.write(binary(Buffer.concat([Buffer.from([0, 9]), Buffer.from(two.target)])));
    client.write(binary(dataFrame(Buffer.from(`CONNECT ${two.target} HTTP/1.1\r\n\r\n`))));
    client.write(binary(connectFrame("A".repeat(22))));
    expect((await readToEnd(client)).code).toBe(1002);
    using again = await enter(gateway.host, `${other}&sid=${opened.sid}&ack=0`);
    expect(readFrame((await nextData(again)).payload, MAX_DATA)).toMatchObject({ type: "reconnected" });
    again.write(binary(dataFrame(Buffer.from("still here"))));
    await eventually("the bytes", () => peer.text().endsWith("still here"));
    expect([one.accepted, two.accepted]).toEqual([1, 0]);
  });
});
