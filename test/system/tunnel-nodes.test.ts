/** `fairlead tunnel` before several gateways that share a Redis, as its users start it. */
import { expect, onTestFinished } from "bun:test";
import { SECRET, sign } from "../auth/tokens.ts";
import { bounded } from "../raw-client.ts";
import { sharedRedis } from "../redis-house.ts";
import { requires } from "../requires.ts";
import { noise, sha256 } from "../routes/bridge-house.ts";
import { startGateways } from "../shared-gateways.ts";
import { startService } from "../tcp-service.ts";
import { project } from "./clone.ts";

const MIB = 1024 * 1024;
const redis = sharedRedis();

requires("redis-server")(
  "a tunnel goes on at the node that has its stream, with the token of its header",
  async () => {
    using service = await startService((peer) => peer.echo());
    await using at = await startGateways({
      redis: (await redis()).url,
      routes: { "/tcp": { kind: "bridge", target: service.target } },
      config: { auth: { jwt: { secret: SECRET } } },
    });
    const token = await sign({ sub: "alice", exp: Math.floor(Date.now() / 1_000) + 600 });
    const bearer = `Authorization: Bearer ${token}`;
    const command = ["node", "bin/fairlead.mjs", "tunnel", "-H", bearer, "-", `ws://${at.front.host}/tcp`];
    const child = Bun.spawn(command, { cwd: project, stdin: "pipe", stdout: "pipe", stderr: "pipe" });
    onTestFinished(() => child.kill("SIGKILL"));
    const bytes = noise(4 * MIB);
    const back = new Response(child.stdout).bytes();
    child.stdin.write(bytes.subarray(0, 2 * MIB));
    await child.stdin.flush();
    const peer = await service.next();
    await peer.has(MIB);
    at.lead(1);
    at.cut();
    child.stdin.write(bytes.subarray(2 * MIB));
    await child.stdin.end();
    expect(sha256(await bounded("all of it", back))).toBe(sha256(bytes));
    expect(await child.exited).toBe(0);
    expect([await at.closed("/tcp", 4011), service.accepted]).toEqual([1, 1]);
    expect(await new Response(child.stderr).text()).toMatch(
      /^fairlead tunnel: the connection is lost \(.*\); trying again\nfairlead tunnel: goes on\n$/,
    );
  },
  20_000,
);
