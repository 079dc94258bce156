import { describe, expect, test } from "bun:test";
import { sessionHouse, settle } from "./session-house.ts";

describe("a token", () => {
  test("travels beside the subprotocol, in base64url", async () => {
    const { net, welcome } = sessionHouse({ token: "ключ>>>?" });
    await welcome();
    const [, entry = ""] = net.last.protocols;
    const token = Buffer.from(entry.replace("fairlead.token.", ""), "base64url").toString();
    expect([token, /^fairlead\.token\.[\w-]+$/.test(entry)]).toEqual(["ключ>>>?", true]);
  });

  test("that can be had anew is asked for at each attempt; one that throws is a failed attempt", async () => {
    let asked = 0;
    const token = async () => {
      asked += 1;
      if (asked === 2) throw new Error("login is down");
      return `t${asked}`;
    };
    const { net, statuses, lose } = sessionHouse({ token });
    await settle();
    await lose();
    expect(statuses.at(-1)).toMatchObject({ type: "away", cause: { message: "login is down" } });
    expect(net.sockets).toHaveLength(1);
    await lose().catch(() => {});
    expect(asked).toBe(3);
  });

  test("that comes late is not used if close() came first", async () => {
    const late = Promise.withResolvers<string>();
    let gone: AbortSignal | undefined;
    const { session, net, clock } = sessionHouse({
      token: (signal) => {
        gone = signal;
        return late.promise;
      },
    });
    await settle();
    session.close();
    expect(gone?.aborted).toBe(true);
    late.resolve("late");
    await settle();
    clock.advance(0);
    expect([net.sockets.length, clock.pending]).toEqual([0, 0]);
  });

  test("is renewed on the living connection before it ends", async () => {
    let asked = 0;
    const { statuses, welcome, say, ok, err } = sessionHouse({ token: () => `t${++asked}` });
    await welcome();
    say({ t: "expiring", at: 99 });
    await settle();
    ok("auth", { user: "ann", expires: 200 });
    say({ t: "expiring", at: 200 });
    await settle();
    err("auth", "unauthorized");
    await settle();
    expect(statuses.at(-1)).toMatchObject({
      type: "error",
      error: { code: "token", cause: { code: "unauthorized" } },
    });
    expect(asked).toBe(3);
  });

  test("that comes after the connection it was for is not sent on the next", async () => {
    const late = Promise.withResolvers<string>();
    let asked = 0;
    const { welcome, say, lose, said } = sessionHouse({ token: () => (++asked === 2 ? late.promise : "t") });
    await welcome();
    say({ t: "expiring", at: 99 });
    await lose();
    await welcome();
    late.resolve("late");
    await settle();
    expect(said()).toEqual([]);
  });

  test("that was refused is tried once more with a fresh one, a fixed one is not", async () => {
    const fresh = sessionHouse({ token: () => "t" });
    await settle();
    await fresh.lose(3000);
    expect(fresh.session.status.type).toBe("connecting");
    await fresh.lose(3000);
    expect(fresh.session.status).toMatchObject({ type: "closed", code: 3000 });
    const fixed = sessionHouse({ token: "t" });
    await settle();
    fixed.net.last.end(3000);
    expect(fixed.session.status).toMatchObject({ type: "closed", code: 3000 });
  });

  test.each([
    [3000, "unauthorized"],
    [3003, "forbidden"],
  ])("that counts no longer ends the session with the close code's word: %i is %s", async (code, word) => {
    const { session, net, welcome } = sessionHouse({ token: "t" });
    await welcome({ topic: "a", epoch: "e1", offset: 0, count: 0 });
    const subscription = session.subscribe();
    net.last.end(code, "the token has expired");
    expect(session.status).toMatchObject({ type: "closed", code, error: { code: word } });
    await expect(subscription.listen(() => {})).rejects.toThrow(`closed with ${code} the token has expired`);
  });

  test("that was refused in words before the close is refused in those words", async () => {
    const { session, net, say } = sessionHouse({ token: "t" });
    await settle();
    net.last.accept();
    say({ t: "err", code: "forbidden", message: "no right to `subscribe`" });
    net.last.end(3003);
    const error = { code: "forbidden", message: "no right to `subscribe`" };
    expect(session.status).toMatchObject({ type: "closed", code: 3003, error });
  });

  test("that was refused once is no reason for what goes wrong later", async () => {
    const { session, net, say, lose } = sessionHouse({ token: () => "t" });
    await settle();
    net.last.accept();
    say({ t: "err", code: "unauthorized", message: "no" });
    await lose(3000);
    net.last.accept();
    net.last.end(1011);
    expect(session.status).toMatchObject({ type: "away", code: 1011, cause: undefined });
  });
});
