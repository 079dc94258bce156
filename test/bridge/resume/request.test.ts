import { describe, expect, test } from "bun:test";
import { asksElsewhere, readStreamRequest } from "../../../src/bridge/resume/request.ts";
import type { Target } from "../../../src/config/target.ts";

const SID = "abcdefghij_-ABCDEFGHIJ";
const read = (path: string, query = "") => readStreamRequest(path, new URLSearchParams(query));

describe("a client asks", () => {
  test.each([
    ["/bridge", ""],
    ["/bridge", "token=x"],
    ["/bridge/v4/connect", "host=db&port=22"],
    ["/v4/connect", ""],
    ["/bridge/v4/connect", `sid=${SID}&ack=0`],
  ])("for a new stream at %s?%s", (path, query) => {
    expect(read(path, query)).toEqual({ type: "new" });
  });

  test.each([
    ["/bridge", `sid=${SID}&ack=0`, 0],
    ["/bridge/v4/reconnect", `sid=${SID}&ack=17`, 17],
    ["/bridge", `ack=9007199254740991&sid=${SID}`, Number.MAX_SAFE_INTEGER],
  ])("to go on at %s?%s", (path, query, ack) => {
    expect(read(path, query)).toEqual({ type: "resume", sid: SID, ack });
  });

  test("to go on with a stream of a node", () => {
    const sid = `node-a_1${SID}`;
    expect(read("/bridge", `sid=${sid}&ack=0`)).toEqual({ type: "resume", sid, ack: 0 });
  });

  test.each([
    ["/bridge", `sid=${SID}`, "ack must be"],
    ["/bridge", "ack=0", "sid must be"],
    ["/bridge", "sid=&ack=", "sid must be"],
    ["/bridge/v4/reconnect", "", "sid must be"],
    ["/bridge", `sid=${SID}x&ack=0`, "sid must be"],
    ["/bridge", `sid=${SID.slice(1)}%00&ack=0`, "sid must be"],
    ["/bridge", `sid=${SID}&ack=9007199254740992`, "ack must be"],
    ["/bridge", `sid=${SID}&ack=1e3`, "ack must be"],
    ["/bridge", `sid=${SID}&ack=%201`, "ack must be"],
    ["/bridge", `sid=${SID}&ack=-0`, "ack must be"],
  ])("for what cannot be at %s?%s, and nothing of the sid is repeated", (path, query, reason) => {
    const asked = read(path, query);
    expect(asked).toMatchObject({ type: "bad", reason: expect.stringContaining(reason) });
    expect(JSON.stringify(asked)).not.toContain(SID.slice(1));
  });
});

describe("a client of the SSH form", () => {
  const tcp = { kind: "tcp", label: "", hostname: "10.0.0.7", port: 22 } as const;
  const unix = { kind: "unix", label: "", path: "/run/ssh" } as const;
  const asks = (path: string, query: string, target: Target = tcp) =>
    asksElsewhere({ path, query: new URLSearchParams(query) }, target);

  test.each([["host=10.0.0.7&port=22"], ["host=10.0.0.7"], ["port=22"], [""], ["user=x"]])(
    "may name the address that it gets: %p",
    (query) => expect(asks("/ssh/v4/connect", query)).toBe(false),
  );

  test.each([
    ["host=10.0.0.8&port=22"],
    ["host=10.0.0.7&port=23"],
    ["port=x"],
    ["host="],
    ["host=10.0.0.7.&port=22"],
  ])("may not name another: %p", (query) => expect(asks("/ssh/v4/connect", query)).toBe(true));

  test("may name none where the target has none", () => {
    expect([asks("/ssh/v4/connect", "host=a&port=1", unix), asks("/ssh/v4/connect", "", unix)]).toEqual([
      true,
      false,
    ]);
  });

  test("says nothing by these names on another path", () => {
    expect(asks("/ssh", "host=other&port=1")).toBe(false);
  });
});
