/** The suite of all runtimes, here in Bun and from the source; test/system/client-runtimes.test.ts has the others and what is built. */
import { expect, test } from "bun:test";
import * as bridge from "../../src/client/bridge.ts";
import * as index from "../../src/client/index.ts";
import * as relay from "../../src/client/relay.ts";
import { runSuite } from "./suite.js";
import { startSuiteGateway } from "./suite-gateway.ts";

test("the library keeps its promises against a real gateway", async () => {
  await using gateway = await startSuiteGateway();
  const said: string[] = [];
  await runSuite({ ...index, ...relay, ...bridge }, `ws://${gateway.host}`, (line) => said.push(line));
  expect(said.filter((line) => line.startsWith("not ok"))).toEqual([]);
  expect(said.at(-1)).toMatch(/^1\.\.\d\d$/);
}, 60_000);
