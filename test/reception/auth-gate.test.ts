/** Who comes in, by what an authenticator says and how much the route insists. */
import { describe, expect, test } from "bun:test";
import { createAccess } from "../../src/access.ts";
import type { Authenticator, Credentials, Verdict } from "../../src/identity.ts";
import { createAuthGate } from "../../src/reception/auth-gate.ts";

const ALICE = { user: "alice", by: "token", caps: { "/x": { connect: ["a"] } } } as const;
const SHOWN: Credentials = {
  headers: new Headers(),
  query: new URLSearchParams(),
  route: "/x",
  params: {},
  remoteAddress: "",
};

function gateWith(verdict: Verdict | undefined, mode: "required" | "optional" | "none", isLate = false) {
  let asked = 0;
  const say = () => {
    asked += 1;
    return isLate ? Promise.resolve(verdict) : verdict;
  };
  const authenticator: Authenticator = {
    request: say,
    token: () => verdict ?? { denied: "no token" },
    revoke: () => true,
    isRevoked: ({ user }) => user === "alice",
    dispose() {},
  };
  const access = createAccess({ route: "/x", byDefault: { connect: true } });
  const gate = createAuthGate({ mode, authenticator, access });
  return { enter: (canWait = false) => gate.enter(() => SHOWN, canWait), gate, asked: () => asked };
}

const refusalOf = (entry: unknown) =>
  (entry as { refusal?: { readonly code: string; readonly text: string } }).refusal;
const codeOf = (entry: unknown) => refusalOf(entry)?.code;

describe("a route that requires to know who asks", () => {
  test("refuses one who shows nothing with 401", () => {
    expect(codeOf(gateWith(undefined, "required").enter())).toBe("unauthorized");
    expect(refusalOf(gateWith(undefined, "required").enter())?.text).toContain(
      "send one as `Authorization: Bearer TOKEN`",
    );
  });

  test("lets one wait who may show a token after the 101", () => {
    expect(gateWith(undefined, "required").enter(true)).toMatchObject({
      waits: true,
      identity: { user: null },
    });
  });

  test("refuses what does not count, also of one who could wait", () => {
    expect(codeOf(gateWith({ denied: "the token has expired" }, "required").enter(true))).toBe(
      "unauthorized",
    );
  });

  test("says 503 where it cannot be checked now", () => {
    expect(codeOf(gateWith({ denied: "no keys", unavailable: true }, "required").enter())).toBe(
      "auth_unavailable",
    );
  });

  test.each([false, true])(
    "lets in whom it knows, with the rights of its token (late: %p)",
    async (isLate) => {
      const entry = await gateWith({ identity: ALICE }, "required", isLate).enter();
      if ("refusal" in entry) throw new Error("refused");
      expect(entry).toMatchObject({ waits: false, identity: { user: "alice" } });
      expect([entry.may("connect", "a"), entry.may("connect", "b")]).toEqual([true, false]);
    },
  );
});

describe("a route on which it is optional", () => {
  test("lets in one who shows nothing, as nobody", () => {
    expect(gateWith(undefined, "optional").enter(true)).toMatchObject({
      waits: false,
      identity: { by: "nothing" },
    });
  });

  test("refuses one who shows what does not count", () => {
    expect(codeOf(gateWith({ denied: "bad" }, "optional").enter())).toBe("unauthorized");
  });
});

describe("a route that does not want to know", () => {
  test("does not look at what is shown", () => {
    const { enter, asked, gate } = gateWith({ denied: "bad" }, "none");
    expect(enter()).toMatchObject({ identity: { by: "nothing" } });
    expect(asked()).toBe(0);
    expect(gate.token("x", SHOWN)).toBeUndefined();
  });
});

test.each(["required", "optional"] as const)("%s without anybody who could check lets nobody in", (mode) => {
  const access = createAccess({ route: "/x", byDefault: { connect: true } });
  const gate = createAuthGate({ mode, authenticator: undefined, access });
  expect(codeOf(gate.enter(() => SHOWN, true))).toBe("auth_unavailable");
});

test("nobody is never revoked, whatever the authenticator says", () => {
  const { gate } = gateWith(undefined, "optional");
  expect(gate.isRevoked({ user: "alice", by: "nothing" })).toBe(false);
  expect(gate.isRevoked(ALICE)).toBe(true);
});
