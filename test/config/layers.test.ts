import { expect, test } from "bun:test";
import type { Layer } from "../../src/config/layers.ts";
import { mergeLayers, originIn, originOfValue, settingsLayer } from "../../src/config/layers.ts";
import { DEFAULT } from "../../src/config/origin.ts";

const file: Layer = {
  value: { listen: { port: 1, host: "a" }, list: [1, 2], wrong: 5 },
  originOf: (path) => ({ from: "file", name: "f.yaml", line: path.length }),
};
const flag = (path: string[], value: unknown, name: string) => ({
  path,
  value,
  origin: { from: "flag", name } as const,
});

test("lays tables over each other key by key, and anything else whole", () => {
  const above = settingsLayer([flag(["listen", "port"], 2, "--port"), flag(["list"], [3], "--list")]);
  expect(mergeLayers([file, above])).toEqual({ listen: { port: 2, host: "a" }, list: [3], wrong: 5 });
});

test("lets the later of two settings win, and knows which it was", () => {
  const layer = settingsLayer([flag(["a"], 1, "--first"), flag(["a"], 2, "--second")]);
  expect(layer.value).toEqual({ a: 2 });
  expect(layer.originOf(["a"]).name).toBe("--second");
});

test("takes a value away when a setting is undefined", () => {
  const layers = [file, settingsLayer([flag(["listen", "port"], undefined, "--no-port")])];
  expect(mergeLayers(layers)).toEqual({ listen: { port: undefined, host: "a" }, list: [1, 2], wrong: 5 });
  expect(originOfValue(layers, ["listen", "port"]).name).toBe("--no-port");
});

test("keeps a wrong section under a right one, so that the error is not hidden", () => {
  const layers = [file, settingsLayer([flag(["wrong", "key"], 1, "--key")])];
  expect(mergeLayers(layers)).toMatchObject({ wrong: 5 });
  expect(originIn(layers, ["wrong"]).name).toBe("f.yaml");
});

test("puts a table in place of a word where either may stand, and the word in place of the table", () => {
  const layer = (engine: unknown): Layer => ({ value: { engine }, originOf: () => DEFAULT });
  const setting = settingsLayer([flag(["engine", "sqlite"], "b.db", "--engine-sqlite")]);
  expect(mergeLayers([layer("memory"), setting])).toEqual({ engine: { sqlite: "b.db" } });
  expect(mergeLayers([layer({ sqlite: "a.db", sync: "always" }), setting])).toEqual({
    engine: { sqlite: "b.db", sync: "always" },
  });
  expect(mergeLayers([layer("wrong"), setting])).toEqual({ engine: "wrong" });
  expect(mergeLayers([layer({ sqlite: "a.db" }), layer("memory")])).toEqual({ engine: "memory" });
});

test("finds the uppermost writer of a value, and the section for one that nobody wrote", () => {
  const layers = [file, settingsLayer([flag(["listen", "port"], 2, "--port")])];
  expect(originIn(layers, ["listen", "port"]).name).toBe("--port");
  expect(originIn(layers, ["listen", "host"])).toEqual({ from: "file", name: "f.yaml", line: 2 });
  expect(originIn(layers, ["listen", "missing"])).toEqual({ from: "file", name: "f.yaml", line: 1 });
  expect(originOfValue(layers, ["listen", "missing"])).toEqual(DEFAULT);
});

test("gives a key called __proto__ no power", () => {
  const hostile: Layer = { value: JSON.parse('{"__proto__":{"polluted":1}}'), originOf: () => DEFAULT };
  expect(Object.keys(mergeLayers([file, hostile]) as object)).toContain("__proto__");
  expect("polluted" in {}).toBe(false);
});
