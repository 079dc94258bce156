/** What a revocation does here and at other nodes, whom a test makes up. */
import { expect, test } from "bun:test";
import { createRevocations } from "../../src/auth/revocations.ts";
import { createRevoke } from "../../src/auth/revoke.ts";
import { FairleadError } from "../../src/errors.ts";
import type { Authenticator, Identity } from "../../src/identity.ts";
import type { RevocationMemory, SharedRevocation } from "../../src/shared-revocations.ts";
import { testClock } from "../clock.ts";
import { memoryLog } from "../gateway.ts";

const AUTHENTICATOR: Authenticator = {
  request: () => undefined,
  token: () => ({ denied: "" }),
  revoke: () => true,
  isRevoked: () => false,
  dispose() {},
};
const ALICE = { user: "alice" };
const identity: Identity = { user: "alice", by: "token" };

function house(answer?: () => Promise<boolean>) {
  const log = memoryLog();
  const said: SharedRevocation[] = [];
  const kept: RevocationMemory[] = [];
  let asked = 0;
  const parked: boolean[] = [];
  const revoke = createRevoke({
    authenticator: AUTHENTICATOR,
    revocations: createRevocations({ max: 2, ttl: 1_000 }, testClock()),
    shared:
      answer === undefined
        ? undefined
        : {
            keep: (memory) => void kept.push(memory),
            share(revocation) {
              said.push(revocation);
              return answer();
            },
            settled: () => undefined,
          },
    validity: {
      revoke(isRevoked) {
        asked += 1;
        return isRevoked(identity) ? 2 : 0;
      },
    },
    endpoints: [{ route: { revoked: (isRevoked) => void parked.push(isRevoked(identity)) } }, { route: {} }],
    log,
  });
  return {
    revoke,
    said,
    kept,
    asked: () => asked,
    parked,
    lines: () => log.lines.map(({ level, text, ...fields }) => `${level} ${text} ${JSON.stringify(fields)}`),
  };
}

test("ends who came in by it, and what waits, and says how many; alone, nobody else has to be told", async () => {
  const { revoke, parked, lines } = house();
  const done = revoke(ALICE);
  expect([done?.ended, parked, await done?.sharing]).toEqual([2, [true], "told"]);
  expect(lines()).toEqual(['info revoked {"user":"alice","ended":2}']);
});

test("tells other nodes until when, and for how long", async () => {
  const { revoke, said } = house(async () => true);
  expect(await revoke(ALICE)?.sharing).toBe("told");
  expect(said).toEqual([{ what: ALICE, until: testClock().wall(), left: 1_000 }]);
});

test("holds here when others cannot be told, and says so", async () => {
  const { revoke, lines } = house(() => Promise.reject(new FairleadError("ENGINE_DOWN", "away")));
  const done = revoke(ALICE);
  expect([done?.ended, await done?.sharing]).toEqual([2, "later"]);
  expect(lines()[1]).toBe(
    'warn ! a revocation is not known to other nodes yet {"user":"alice","reason":"ENGINE_DOWN"}',
  );
});

test("holds here when as many are kept as may be for all, and says so", async () => {
  const { revoke, lines } = house(async () => false);
  expect(await revoke(ALICE)?.sharing).toBe("full");
  expect(lines()[1]).toStartWith("warn ! a revocation is not known to other nodes: too many");
});

test("does nothing when as many are remembered as may be", () => {
  const { revoke, said } = house(async () => true);
  for (const user of ["a", "b"]) revoke({ user });
  expect(revoke({ user: "c" })).toBeUndefined();
  expect(said.length).toBe(2);
});

test("what another node revoked ends who came in by it, and nobody is looked at when nothing is new", () => {
  const { kept, lines, asked, parked } = house(async () => true);
  const [memory] = kept;
  const several = [{ what: ALICE, until: testClock().wall(), left: 500 }];
  memory?.take(several);
  memory?.take(several);
  expect([asked(), parked]).toEqual([1, [true]]);
  expect(lines()).toEqual(['info revoked at another node {"count":1,"ended":2}']);
  expect(memory?.all()).toEqual(several);
  expect(memory?.max).toBe(2);
});
