import { expect, test } from "bun:test";
import { createGateway } from "../src/gateway.ts";

test("refuses what fairlead config check refuses, all of it at once, when it is used as a library", () => {
  const create = () =>
    createGateway({ routes: { "/healthz": { kind: "echo" }, "/b": { kind: "bridge", target: "nowhere" } } });
  expect(create).toThrow(/\/healthz.*nowhere/s);
});
