import { expect, test } from "bun:test";
import { join } from "node:path";
import { loadConfig } from "../../src/config/load.ts";
import { effectiveRows } from "../../src/config/print.ts";
import { folder } from "../folder.ts";

const text =
  'routes:\n  /b:\n    kind: bridge\n    target: "db:1"\n    subprotocols: [mqtt]\n    dialTimeout: 90000\n    maxMessage: 2MiB\n';

test("shows every option with its value as people write it, and where it was written", async () => {
  const root = folder({ "a.yaml": text, secret: "hunter2" });
  const env = { FAIRLEAD_LOG__LEVEL: "debug", FAIRLEAD_LISTEN__HOST_FILE: join(root, "secret") };
  const rows = effectiveRows(await loadConfig({ base: { file: "a.yaml" }, folder: root, env, flags: [] }));
  const shown = new Map(rows.map(([key, ...rest]) => [key, rest]));
  expect(shown.get('routes["/b"].target')).toEqual(['"db:1"', "a.yaml:4"]);
  expect(shown.get('routes["/b"].subprotocols')).toEqual(['["mqtt"]', "a.yaml:5"]);
  expect(shown.get('routes["/b"].dialTimeout')).toEqual(["90s", "a.yaml:6"]);
  expect(shown.get('routes["/b"].maxMessage')).toEqual(["2MiB", "a.yaml:7"]);
  expect(shown.get('routes["/b"].framing')).toEqual(['"bytes"', "default"]);
  expect(shown.get('routes["/b"].onOpen')).toEqual(["-", "default"]);
  expect(shown.get("log.level")).toEqual(['"debug"', "env FAIRLEAD_LOG__LEVEL"]);
  expect(shown.get("listen.host")).toEqual(["[redacted]", "env FAIRLEAD_LISTEN__HOST_FILE"]);
  expect(rows.join()).not.toContain("hunter2");
});

test("tells that a secret of the config itself is set, and not what it is", async () => {
  const root = folder({ "a.yaml": "listen: { tls: { cert: c.pem, keyPassword: hunter2 } }\n" });
  const rows = effectiveRows(
    await loadConfig({ base: { file: "a.yaml" }, folder: root, env: {}, flags: [] }),
  );
  const shown = new Map(rows.map(([key, ...rest]) => [key, rest]));
  expect(shown.get("listen.tls.keyPassword")).toEqual(["[redacted]", "a.yaml:1"]);
  expect(shown.get("listen.tls.cert")).toEqual(['"c.pem"', "a.yaml:1"]);
  expect(rows.join()).not.toContain("hunter2");
});
