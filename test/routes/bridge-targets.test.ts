import { describe, expect, test } from "bun:test";
import { createServer } from "node:net";
import { join } from "node:path";
import { folder } from "../folder.ts";
import { memoryLog, startGateway } from "../gateway.ts";
import { ask, upgrade } from "../raw-client.ts";
import { closedTarget, OPTIONS, startService, startServiceOn } from "../tcp-service.ts";
import { binary, bridgeHouse, readBytes, readToEnd } from "./bridge-house.ts";

describe("a bridge with named targets", () => {
  test("leads where the path says, and its log line names the target", async () => {
    using one = await startService((peer) => void peer.write("one"));
    using two = await startService((peer) => void peer.write("two"));
    const log = memoryLog();
    const targets = { one: one.target, "zwei ü": two.target };
    await using gateway = await startGateway({ "/vnc/:host": { kind: "bridge", targets } }, {}, { log });
    for (const [path, greeting] of [
      ["/vnc/one", "one"],
      ["/vnc/zwei%20%C3%BC", "two"],
    ] as const) {
      using client = await upgrade(gateway.host, { path });
      expect((await readBytes(client, 3)).toString()).toBe(greeting);
    }
    const connected = log.lines.filter(({ text }) => text === "connected").map(({ target }) => target);
    expect(connected).toEqual([`one (${one.target})`, `zwei ü (${two.target})`]);
  });

  test("refuses a name that it does not know with 404, and dials nobody", async () => {
    using service = await startService();
    await using gateway = await startGateway({
      "/vnc/:host": { kind: "bridge", targets: { lab: service.target } },
    });
    for (const name of ["other", "__proto__", "constructor", "toString", "LAB", "lab%00"]) {
      const { status, body } = await ask(gateway.host, { path: `/vnc/${name}` });
      expect([name, status, body.split(":")[0]]).toEqual(
        name === "lab%00" ? [name, 400, "bad_path"] : [name, 404, "unknown_target"],
      );
    }
    expect(service.accepted).toBe(0);
    expect(await gateway.metric("fairlead_descriptors_used")).toBe(0);
  });
});

describe("a bridge with tokens", () => {
  test("leads where the token says, and no line of the log has the token, whatever becomes of the request", async () => {
    using service = await startService((peer) => void peer.write("hello"));
    const log = memoryLog(true);
    const tokens = join(
      folder({ tokens: `hunter2: ${service.target}\nhunter3: ${await closedTarget()}\nhunter4 oops` }),
      "tokens",
    );
    const bridge = { kind: "bridge", tokens } as const;
    await using gateway = await startGateway({ "/b": bridge, "/p/:token": bridge }, {}, { log });
    for (const path of ["/b?token=hunter2", "/p/hunter2"]) {
      using client = await upgrade(gateway.host, { path });
      expect((await readBytes(client, 5)).toString()).toBe("hello");
    }
    for (const [path, status] of [
      ["/b?token=hunter3", 502],
      ["/p/hunter3", 502],
      ["/p/hunter5", 404],
      ["/b?token=hunter5", 404],
      ["/b", 404],
    ] as const)
      expect([path, (await ask(gateway.host, { path })).status]).toEqual([path, status]);
    expect((await fetch(gateway.http("/p/hunter2"))).status).toBe(426);
    expect(log.lines).toContainEqual(
      expect.objectContaining({ text: "connected", route: "/p/:token", target: service.target }),
    );
    expect(log.lines).toContainEqual(expect.objectContaining({ code: "unknown_target", path: "/p/:token" }));
    expect(JSON.stringify(log.lines)).not.toContain("hunter");
  });
});

describe("a bridge to a socket in the file system", () => {
  test("carries bytes both ways and ends like one to a port", async () => {
    const path = join(folder({}), "service.sock");
    using service = await startServiceOn(createServer(OPTIONS), (peer) => peer.stay(), path);
    await using house = await bridgeHouse({ target: service.target });
    using client = await upgrade(house.gateway.host, { path: "/bridge" });
    const peer = await service.next();
    client.write(binary("to the socket"));
    await peer.has(13);
    await peer.write("from the socket");
    expect((await readBytes(client, 15)).toString()).toBe("from the socket");
    peer.end();
    expect(await readToEnd(client)).toEqual({ bytes: Buffer.alloc(0), code: 1000 });
  });

  test("is refused with 502 if nobody listens there", async () => {
    const log = memoryLog();
    const target = `unix:${join(folder({}), "nobody.sock")}`;
    await using house = await bridgeHouse({ target }, { parts: { log } });
    const { status, body } = await ask(house.gateway.host, { path: "/bridge" });
    expect([status, body.split(":")[0]]).toEqual([502, "upstream_refused"]);
    expect(log.lines).toContainEqual(
      expect.objectContaining({ target, reason: "refused", detail: "ENOENT" }),
    );
    await house.expectCalm();
  });
});
