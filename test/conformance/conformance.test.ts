/** The runner itself: that a verdict is what was seen, and that a server which does it wrong is found. */
import { describe, expect, onTestFinished, test } from "bun:test";
import type { WebSocketHandler } from "bun";
import { frame } from "../raw-client.ts";
import { type Case, fails, survives, text, type VERDICTS } from "./case.ts";
import { GROUPS } from "./groups.ts";
import { judge } from "./judge.ts";
import { PATHS, play, type Seen } from "./play.ts";
import { notOk, reported } from "./report.ts";

const strict = { back: [text("a")], ends: [1002, 1007] };
const seen = (what: Partial<Seen>): Seen => ({
  back: [text("a")],
  code: 1002,
  extensions: null,
  isDeclined: false,
  trouble: undefined,
  ...what,
});

describe("a verdict", () => {
  const nonStrict = { back: [], ends: [1000] };
  test.each([
    ["OK", "what was asked for", {}],
    ["OK", "another of the codes", { code: 1007 }],
    ["FAILED", "another code", { code: 1000 }],
    ["FAILED", "less", { back: [] }],
    ["FAILED", "more", { back: [text("a"), text("b")] }],
    ["FAILED", "something else", { back: [text("b")] }],
    ["NON-STRICT", "the other outcome", { back: [], code: 1000 }],
    ["NON-STRICT", "a drop without a close frame", { code: undefined }],
    ["FAILED", "a drop before all came back", { back: [], code: undefined }],
    ["UNIMPLEMENTED", "an offer that was declined", { isDeclined: true }],
    ["FAILED", "what did not come in time", { trouble: "late" }],
  ] as const)("is %s for %s", (verdict, _, what) => {
    expect(judge({ strict, nonStrict }, seen(what)).verdict).toBe(verdict);
  });

  test("is FAILED if the connection was to survive and was dropped", () => {
    const survived = { back: [text("a")], ends: [1000] };
    expect(judge({ strict: survived }, seen({ code: undefined })).verdict).toBe("FAILED");
  });
});

/** The host of a server that echoes, unless the test says otherwise. */
function serve(websocket: Partial<WebSocketHandler<undefined>> = {}): string {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request, self) => (self.upgrade(request) ? undefined : new Response("", { status: 400 })),
    websocket: { message: (socket, data) => void socket.send(data), ...websocket },
  });
  onTestFinished(() => server.stop(true));
  return `127.0.0.1:${server.port}`;
}

async function verdictOf(each: Case, host: string): Promise<string> {
  return judge(each.plan(), await play(host, each)).verdict;
}

describe("a case", () => {
  const said = survives({ id: "1", title: "text" }, [frame("a")], [text("a")]);
  const spoilt = fails({ id: "2", title: "RSV2" }, [frame("a", { rsv: 2 })], [1002]);

  test("is OK against a server that does it right", async () => {
    expect(await verdictOf(said, serve())).toBe("OK");
    expect(await verdictOf(spoilt, serve())).toBe("OK");
  });

  test("is FAILED against a server that answers something else, twice, or by a close", async () => {
    const wrong = [
      serve({ message: (socket) => void socket.send("b") }),
      serve({ message: (socket, data) => void [data, data].map((each) => socket.send(each)) }),
      serve({ message: (socket, data) => void socket.send(Buffer.from(data)) }),
      serve({ message: (socket) => socket.close(1008) }),
    ];
    for (const host of wrong) expect(await verdictOf(said, host)).toBe("FAILED");
  });

  test("is FAILED if the answer to the handshake lacks what it must have", async () => {
    expect(await verdictOf({ ...said, answered: { "x-must": "1" } }, serve())).toBe("FAILED");
    expect(await verdictOf({ ...said, answered: { status: 400 } }, serve())).toBe("FAILED");
  });

  test("is UNIMPLEMENTED if its offer is declined, and FAILED if one is taken that must not be", async () => {
    const offer = "permessage-deflate";
    const offered = { ...said, offer };
    const mustNot = {
      ...said,
      head: { path: PATHS.deflate, headers: { "Sec-WebSocket-Extensions": offer } },
      answered: { "sec-websocket-extensions": null },
    };
    expect(await verdictOf(offered, serve())).toBe("UNIMPLEMENTED");
    expect(await verdictOf(offered, serve({ perMessageDeflate: true }))).toBe("OK");
    expect(await verdictOf(mustNot, serve({ perMessageDeflate: true }))).toBe("FAILED");
  });
});

describe("the report", () => {
  const [group = { id: "", title: "", cases: [] }] = GROUPS;
  const result = (verdict: (typeof VERDICTS)[number], each: Partial<Case> = {}) => ({
    group,
    case: { ...(group.cases[0] as Case), ...each },
    verdict,
    seen: "close 1000",
  });

  test("fills its tables, and touches nothing around them", () => {
    const before = "a\n<!-- conformance groups -->\nold\n<!-- end -->\nb\n";
    const after = reported(before, [group], [result("OK")]);
    expect(after).toStartWith("a\n<!-- conformance groups -->\n\n| group");
    expect(after).toEndWith("\n<!-- end -->\nb\n");
    expect(after).not.toContain("old");
  });

  test("gives the reason of what is known, and what was seen of what is not", () => {
    const known = { verdict: "NON-STRICT", why: "known" } as const;
    const { reasons } = notOk([result("OK"), result("NON-STRICT", { known }), result("FAILED", { known })]);
    expect(reasons).toEqual(["known", "Nobody knows yet; seen: close 1000"]);
  });
});

test("no two cases have the same number", () => {
  const ids = GROUPS.flatMap(({ cases }) => cases.map(({ id }) => id));
  expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
});

test("each case is in the group that its number says", () => {
  for (const { id, cases } of GROUPS)
    expect(cases.filter((each) => !each.id.startsWith(`${id}.`))).toEqual([]);
});
