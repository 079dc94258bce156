/** What cannot be checked, or is decided by the config's own code, as clients of a real gateway see it. */
import { describe, expect, test } from "bun:test";

import { type AuthInput, pair, SECRET, sign } from "./auth/tokens.ts";
import { memoryLog, startGateway } from "./gateway.ts";
import { ask } from "./raw-client.ts";

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
const inAnHour = Math.floor(Date.now() / 1_000) + 3_600;

async function start(auth: AuthInput) {
  const log = memoryLog();
  const gateway = await startGateway(
    { "/echo": { kind: "echo" }, "/feed/:topic": { kind: "feed" } },
    { auth },
    { log },
  );
  const statuses = async (headers: Record<string, string>) => [
    (await ask(gateway.host, { path: "/echo", headers })).status,
    (await fetch(gateway.http("/feed/a"), { headers })).status,
  ];
  return { gateway, log, statuses, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() };
}

describe("authorize", () => {
  test("that throws, forgets to answer or says no is 401, and never a connection", async () => {
    const throws = () => {
      throw new Error("no database");
    };
    const answers = [throws, async () => throws(), () => undefined as never, () => false as const];
    for (const authorize of answers) {
      await using house = await start({ authorize });
      expect(await house.statuses(bearer("session-1"))).toEqual([401, 401]);
    }
  });

  test("that takes too long is 503, with a time to come again", async () => {
    await using house = await start({ authorize: () => new Promise(() => {}), deadline: 20 });
    const { status, headers } = await ask(house.gateway.host, { path: "/echo", headers: bearer("x") });
    expect([status, headers.get("retry-after")]).toEqual([503, "5"]);
    expect(await house.gateway.metric('fairlead_auth_denied_total{reason="unavailable"}')).toBe(1);
  });

  test("that answers when the gateway has begun to stop lets nobody in any more", async () => {
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<{ user: string }>();
    await using house = await start({
      authorize() {
        asked.resolve();
        return answer.promise;
      },
    });
    const stream = fetch(house.gateway.http("/feed/a"), { headers: { Accept: "text/event-stream" } });
    await asked.promise;
    const stopped = house.gateway.gateway.stop();
    answer.resolve({ user: "alice" });
    const { status, headers } = await stream;
    expect([status, headers.get("retry-after")]).toEqual([503, "5"]);
    await stopped;
  });

  test("that gives rights gives no others, and those of a token stay", async () => {
    const authorize = () => ({ user: "alice", caps: { "/echo": { connect: true } } }) as const;
    await using house = await start({ authorize });
    expect(await house.statuses({})).toEqual([101, 403]);
    await using beside = await start({ jwt: { secret: SECRET }, authorize: () => ({ info: 1 }) });
    const caps = { "/feed/:topic": { subscribe: true, history: true } };
    expect(await beside.statuses(bearer(await sign({ sub: "a", exp: inAnHour, caps })))).toEqual([403, 200]);
  });
});

test("an issuer that is down is 503 for whoever shows a token, and 401 for whoever shows none", async () => {
  await using house = await start({ jwt: { jwks: "http://127.0.0.1:1/" } });
  const token = await sign({ exp: inAnHour }, { alg: "EdDSA" }, pair("Ed25519").privateKey);
  expect(await house.statuses(bearer(token))).toEqual([503, 503]);
  expect(await house.statuses({})).toEqual([401, 401]);
  expect(house.log.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
});

test("a file of a key that is not there is told before anything listens", () => {
  expect(start({ jwt: { secretFile: "/nonexistent" } })).rejects.toThrow("auth.jwt.secretFile");
});
