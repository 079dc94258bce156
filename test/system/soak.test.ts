/** A small soak: all five kinds, 200 clients, the books to the last byte. `npm run soak` is the large one. */
import { expect, test } from "bun:test";
import { accountText, broken } from "../../soak/ledger.ts";
import { runSoak } from "../../soak/run.ts";

test("what clients counted is what the gateway counted, and nothing is left behind", async () => {
  const { clients, churned, messages, checkpoints, left, descriptors, faults, said, exitCode } =
    await runSoak({
      seconds: 8,
      scale: 0.1,
      churn: 10,
      checkEvery: 4,
      tell: () => {},
    });
  expect(checkpoints.length).toBeGreaterThanOrEqual(2);
  for (const { accounts } of checkpoints) expect(broken(accounts).map(accountText)).toEqual([]);
  expect(broken(left).map(accountText)).toEqual([]);
  expect([faults, said, exitCode]).toEqual([[], [], 0]);
  expect(descriptors.after).toBeLessThanOrEqual(descriptors.before);
  expect(clients).toBeGreaterThan(190);
  expect(churned).toBeGreaterThan(30);
  expect(messages).toBeGreaterThan(800);
}, 60_000);
