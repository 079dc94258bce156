import { describe, expect, test } from "bun:test";
import { accountsOf, accountText, broken, leftovers } from "../../soak/ledger.ts";
import { parseMetrics } from "../../soak/metrics.ts";
import type { Account, Station } from "../../soak/station.ts";

const TEXT = `
# HELP fairlead_messages_due_total Messages.
fairlead_messages_due_total{route="/a"} 10
fairlead_messages_due_total{route="/b"} 3
fairlead_messages_delivered_total{route="/a"} 7
fairlead_messages_dropped_total{route="/a",reason="slow"} 1
fairlead_messages_dropped_total{route="/a",reason="closed"} 1
fairlead_messages_queued{route="/a"} 1
fairlead_descriptors_used 4
`;

describe("the gateway's numbers", () => {
  const metrics = parseMetrics(TEXT);

  test("are added up over all series with the labels that are asked for", () => {
    expect(metrics.sum("messages_due_total")).toBe(13);
    expect(metrics.sum("messages_dropped_total", { route: "/a" })).toBe(2);
    expect(metrics.sum("messages_dropped_total", { reason: "slow", route: "/a" })).toBe(1);
    expect(metrics.sum("descriptors_used")).toBe(4);
  });

  test("are 0 where there is no such series, also if another one begins like it", () => {
    expect([metrics.sum("messages"), metrics.sum("messages_due_total", { route: "/" })]).toEqual([0, 0]);
  });
});

const account = (clients: number, gateway: number, rule: Account["rule"]): Account => {
  return { what: "w", clients, gateway, rule };
};

describe("the books", () => {
  test("agree if both sides say the same, or the clients no more where something was lost on its way", () => {
    const good = [account(1, 1, "equal"), account(1, 2, "at most"), account(2, 2, "at most")];
    const bad = [account(1, 2, "equal"), account(3, 2, "at most")];
    expect(broken([...good, ...bad])).toEqual(bad);
    expect(bad.map(accountText)).toEqual(["w: 1 = 2", "w: 3 <= 2"]);
  });

  test("hold each route to due = delivered + dropped + queued, and ask each station", () => {
    const station: Station = {
      name: "s",
      clients: 1,
      visits: 1,
      period: 1,
      join: () => Promise.reject(new Error("not asked")),
      accounts: () => [account(5, 6, "equal")],
    };
    const wrong = broken(accountsOf([station], ["/a", "/b"], parseMetrics(TEXT)));
    expect(wrong.map(accountText)).toEqual(["w: 5 = 6", "/b: delivered + dropped + queued, due: 0 = 3"]);
  });

  test("want nothing left behind", () => {
    expect(broken(leftovers(parseMetrics(TEXT))).map(({ what }) => what)).toEqual([
      "left: messages_queued",
      "left: descriptors_used",
    ]);
    expect(broken(leftovers(parseMetrics("")))).toEqual([]);
  });
});
