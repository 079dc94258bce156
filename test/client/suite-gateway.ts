/** The gateway that suite.js wants, once it can promise what the suite asks for. */
import { eventually } from "../calm.ts";
import { startGateway, type TestGateway } from "../gateway.ts";
import { startService } from "../tcp-service.ts";
import { speak } from "../v1-client.ts";
import { SUITE_SECRET } from "./suite-tokens.js";

export async function startSuiteGateway(): Promise<TestGateway> {
  const service = await startService((peer) => peer.echo());
  const auth = "none";
  const gateway = await startGateway(
    {
      "/echo": { kind: "echo", auth, welcome: false },
      "/relay": { kind: "relay", auth },
      "/room/:name": { kind: "room", auth, history: { size: 1_000 } },
      "/feed/:topic": { kind: "feed", auth, publish: true },
      "/tcp": { kind: "bridge", auth, target: service.target },
      "/long/:topic": { kind: "feed", auth, publish: true, history: { size: 10_000, bytes: "16MiB" } },
      "/members/:name": { kind: "room" },
    },
    { auth: { jwt: { secret: SUITE_SECRET } } },
  );
  await remembers(gateway);
  return {
    ...gateway,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      service[Symbol.dispose]();
    },
  };
}

/** A server that has just begun cannot tell whether a publish that is sent again came before it: `gone`, for its first second. */
async function remembers(gateway: TestGateway): Promise<void> {
  using client = await speak(gateway.ws("/feed/first-second"));
  const again = { t: "pub", data: 1, idem: "again", age: 1 };
  await eventually("a server that remembers", async () => (await client.ask(again))["t"] === "ok");
}
