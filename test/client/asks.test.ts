import { describe, expect, test } from "bun:test";
import { sessionHouse, settle } from "./session-house.ts";

describe("a session asks", () => {
  test("for all members, page by page", async () => {
    const { session, welcome, command, say } = sessionHouse();
    await welcome({ topic: "lobby", epoch: "e1", offset: 0, count: 0 });
    const everybody = session.presence();
    const first = command("who");
    expect(first).toMatchObject({ topic: "lobby", limit: 1_000 });
    const member = (conn: string) => ({ conn, user: null, since: 1, info: null });
    say({ t: "ok", id: first.id, members: [member("c1"), member("c2")], total: 3, complete: false });
    await settle();
    const second = command("who");
    expect(second["after"]).toBe("c2");
    say({ t: "ok", id: second.id, members: [member("c3")], total: 3, complete: true });
    expect((await everybody).map(({ conn }) => conn)).toEqual(["c1", "c2", "c3"]);
  });

  test("for history, in which bytes are bytes", async () => {
    const { session, welcome, command, say } = sessionHouse();
    const since = { epoch: "e1", offset: 1 };
    const asked = session.history("a", { since, limit: 2 });
    await welcome();
    const { id, ...fields } = command("history");
    expect(fields).toEqual({ t: "history", topic: "a", since, limit: 2 });
    const messages = [
      { offset: 2, time: 5, data: { n: 1 } },
      { offset: 3, time: 6, base64: "AP8=", conn: "c2" },
    ];
    say({ t: "ok", id, messages, epoch: "e1", offset: 9, more: true, complete: true });
    const page = await asked;
    expect(page).toMatchObject({ epoch: "e1", offset: 9, more: true, complete: true });
    expect(page.messages).toMatchObject([
      { type: "message", topic: "a", epoch: "e1", offset: 2, time: 5, data: { n: 1 } },
      { offset: 3, data: new Uint8Array([0, 255]), conn: "c2" },
    ]);
  });

  test("for the path's topic also before it knows what that is called", async () => {
    const { session, welcome, said } = sessionHouse();
    session.presence().catch(() => {});
    session.history().catch(() => {});
    await welcome({ topic: "lobby", epoch: "e1", offset: 0, count: 0 });
    expect(said()).toMatchObject([
      { t: "who", topic: "lobby" },
      { t: "history", topic: "lobby" },
    ]);
  });

  test("how long an answer takes, and again on the next connection", async () => {
    const { session, clock, welcome, lose, command, ok } = sessionHouse();
    const ping = session.ping();
    await welcome();
    command("ping");
    await lose();
    await welcome();
    clock.advance(30);
    ok("ping", { time: 1 });
    expect(await ping).toBe(30);
  });

  test("until its signal aborts", async () => {
    const { session } = sessionHouse();
    const abort = new AbortController();
    const asked = [session.ping(abort), session.presence("a", abort), session.history("a", abort)];
    abort.abort();
    for (const result of await Promise.allSettled(asked)) {
      expect(result).toMatchObject({ reason: { code: "aborted" } });
    }
  });
});
