/** Who may take a role: asked on the very name that is claimed, before anything is looked at, and told alike whether the group exists or not. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createAccess } from "../../src/access.ts";
import type { Claims } from "../../src/engine.ts";
import { createClaims } from "../../src/engines/in-process/claims.ts";
import type { May, Rights } from "../../src/identity.ts";
import { readPipeQuery } from "../../src/relay/pipe-query.ts";
import type { Role } from "../../src/wire/envelope.ts";
import { testClock } from "../clock.ts";
import type { FakeConnection } from "../fake-connection.ts";
import { DESERTED, envelope, heard } from "../routes/relay-house.ts";
import { admitPipe } from "./pipe-house.ts";
import { v1House } from "./v1-house.ts";

const mayOf = (rights: Rights): May =>
  createAccess({ route: "/relay", byDefault: rights }).of({ user: "alice", by: "token" });
const NONE = mayOf({});

/** The engine's claims, and what was asked of them. */
function watchedClaims() {
  const asked: string[] = [];
  const engine = createClaims({ clock: testClock(), report: () => {} });
  const claims: Claims = {
    claim(name, ...rest) {
      asked.push(name);
      engine.claim(name, ...rest);
    },
  };
  return { asked, claims };
}

function rightsHouse(options: Parameters<typeof v1House>[0] = {}) {
  const { asked, claims } = watchedClaims();
  const house = v1House(options, claims);
  return {
    ...house,
    asked,
    /** A client of fairlead.v1 with these rights, and what its join is answered. */
    joinAs(may: May, role: Role, more: Readonly<Record<string, unknown>> = {}) {
      const peer = house.open();
      Object.assign(peer.conn, { may });
      return { ...peer, answer: peer.ask({ t: "join", group: "g", role, ...more }) };
    },
    /** A plain client that registers. */
    registerAs(may: May, role: Role, group = "g"): FakeConnection {
      const conn = house.openPlain();
      Object.assign(conn, { may });
      conn.say(envelope({ group_id: group, sender_type: role }));
      return conn;
    },
  };
}

const REASON = 'no right to `join:local` on "g"; the token, or `access` of the route, must give it';

describe("a role without its right", () => {
  test("is refused to a client of fairlead.v1, which is closed with 3003", () => {
    const house = rightsHouse();
    const { answer, conn } = house.joinAs(mayOf({ "join:center": true }), "local");
    expect(answer).toMatchObject({ t: "err", code: "forbidden", message: `join: ${REASON}` });
    expect(conn.ended).toEqual({ code: 3003, reason: REASON, local: true });
    expect([house.asked, house.route.stats(), house.counters.denied]).toEqual([[], { ...DESERTED }, 1]);
  });

  test("is refused to a plain client with 3003, and nothing is said to it", () => {
    const house = rightsHouse();
    const conn = house.registerAs(mayOf({ "join:center": true }), "local");
    expect([conn.sent, conn.ended?.code, conn.ended?.reason]).toEqual([[], 3003, REASON]);
    expect([house.asked, house.route.stats(), house.counters.denied]).toEqual([[], { ...DESERTED }, 1]);
  });

  test("is refused alike if the group does not exist, the partner waits, or the role is taken", () => {
    const answers = [[], ["center"], ["local"], ["center", "local"]].map((present) => {
      const house = rightsHouse({ third: "replace" });
      const others = present.map((role) => house.join(role as Role));
      for (const other of others) other.told();
      const asked = house.asked.length;
      const { answer, conn } = house.joinAs(NONE, "local");
      const plain = house.registerAs(NONE, "local");
      expect(others.map((other) => [other.told(), other.conn.isOpen])).toEqual(others.map(() => [[], true]));
      expect(house.asked.length).toBe(asked);
      return [answer, conn.ended, plain.sent, plain.ended];
    });
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  });

  test("is refused alike if a session is named, known or not", () => {
    const house = rightsHouse();
    const { session, conn } = house.join("local");
    conn.leave(1006);
    const refused = [session, "AAAAAAAAAAAAAAAAAAAAAA"].map((id) => {
      const { answer } = house.joinAs(NONE, "local", { session: id, upto: 0 });
      return answer;
    });
    expect(refused[0]).toEqual(refused[1]);
    expect(refused[0]).toMatchObject({ code: "forbidden" });
    expect(house.join("local", { session, upto: 0 }).answer).toMatchObject({ t: "ok" });
  });

  test("is refused by a pipe before the 101, whoever waits there", () => {
    const rights = mayOf({ "join:center": ["g"] });
    expect(admitPipe("group=g&role=local", rights)).toMatchObject({
      refusal: { status: 403, code: "forbidden" },
    });
    expect(admitPipe("group=g.x&role=center", rights)).toMatchObject({ refusal: { code: "forbidden" } });
    expect(admitPipe("group=g&role=center", rights)).toMatchObject({ admitted: {} });
  });
});

describe("a role with its right", () => {
  test("is given where a pattern covers the group, and nowhere else", () => {
    const house = rightsHouse();
    const may = mayOf({ "join:local": ["lab.*"], "join:center": ["hall"] });
    const given = ["lab.1", "lab.2", "lab", "lab.1.2", "LAB.1", "hall"].map(
      (group) => house.joinAs(may, "local", { group }).answer?.["t"],
    );
    expect(given).toEqual(["ok", "ok", "err", "err", "err", "err"]);
  });

  test("lacks nothing under other rights that give it too, else is told what", () => {
    const house = rightsHouse();
    const lacks = (conn: FakeConnection, rights: Rights) => house.route.v1?.lacks?.(conn, mayOf(rights));
    const { conn } = house.joinAs(mayOf({ "join:local": true }), "local");
    expect(lacks(conn, { "join:local": ["g"] })).toBeUndefined();
    expect(lacks(conn, { "join:center": true })).toBe(REASON);
    expect(lacks(house.open().conn, {})).toBeUndefined();
  });

  test("is lacked by one who stands by for it, too", () => {
    const house = rightsHouse({ third: "standby" });
    house.join("local");
    const { conn } = house.joinAs(mayOf({ "join:local": true }), "local");
    expect(house.route.v1?.lacks?.(conn, NONE)).toBe(REASON);
  });
});

test("a session whose client is closed with 3003 does not wait for it", () => {
  const house = rightsHouse();
  const [{ conn }, { heard: told }] = [house.join("local"), house.join("center")];
  conn.close(3003, "the right is missing");
  expect(house.route.stats()).toMatchObject({ away: 0, peers: 1 });
  expect(told()).toEqual(["local offline closed"]);
});

const groups = fc.oneof(
  fc.string({ unit: "binary", minLength: 0, maxLength: 12 }),
  fc.constantFrom(
    "g",
    "G",
    "g.",
    ".g",
    "g%2e",
    "g/../x",
    "é",
    "é",
    "g\0",
    "*",
    ">",
    "g.*",
    "__proto__",
    "constructor",
  ),
);

test("whatever a group is called, the right is asked for the very name that is claimed", () => {
  fc.assert(
    fc.property(groups, fc.constantFrom<Role>("center", "local"), (group, role) => {
      const house = rightsHouse();
      const names: string[] = [];
      const may: May = (right, name) => {
        names.push(`/relay\0${name}\0${right.slice("join:".length)}`);
        return true;
      };
      const { answer } = house.joinAs(may, role, { group });
      if (answer?.["t"] === "ok") expect(heard(house.registerAs(may, role, group))).toHaveLength(1);
      expect(names).toEqual(house.asked);
    }),
  );
});

test("whatever a URL says, a pipe asks for the very group that it joins", () => {
  const query = fc.tuple(groups, fc.constantFrom("center", "local", "Center", "center "), fc.boolean());
  fc.assert(
    fc.property(query, ([group, role, isRaw]) => {
      const search = isRaw ? `group=${group}&role=${role}` : new URLSearchParams({ group, role }).toString();
      const names: string[] = [];
      const admission = admitPipe(search, (right, name) => {
        names.push(`${right} ${name}`);
        return true;
      });
      const asked = readPipeQuery(new URLSearchParams(search));
      expect(names).toEqual("problem" in asked ? [] : [`join:${asked.role} ${asked.group}`]);
      if (names.length > 0) expect(admission).toMatchObject({ admitted: { state: asked } });
    }),
  );
});
