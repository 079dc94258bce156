/** Wherever the key stands, it is asked for (chisel CVE-2024-43798): a config file, the environment, a file that it names, a flag. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import type { Environment } from "../../src/config/environment.ts";
import type { Setting } from "../../src/config/layers.ts";
import { loadConfig } from "../../src/config/load.ts";
import { gatewayOf } from "../../src/gateway.ts";
import { SECRET } from "../auth/tokens.ts";
import { folder } from "../folder.ts";
import { signedToken } from "../fuzz/speech/tokens.ts";
import { memoryLog } from "../gateway.ts";
import { ask } from "../raw-client.ts";

const ROUTES = 'listen: { port: 0 }\nroutes: { "/echo": { kind: echo } }\n';

interface Place {
  readonly config?: string;
  readonly env?: Environment;
  readonly flags?: readonly Setting[];
}

const flag = (path: readonly string[], value: unknown): Setting => ({
  path,
  value,
  origin: { from: "flag", name: `--${path.join("-")}` },
});

test.each<[where: string, place: (at: string) => Place]>([
  ["in the config file", () => ({ config: `auth: { jwt: { secret: "${SECRET}" } }\n` })],
  [
    "in a file that the config names",
    (at) => ({ config: `auth: { jwt: { secretFile: "${join(at, "secret")}" } }\n` }),
  ],
  ["in the environment", () => ({ env: { FAIRLEAD_AUTH__JWT__SECRET: SECRET } })],
  [
    "in a file that the environment names",
    (at) => ({ env: { FAIRLEAD_AUTH__JWT__SECRET_FILE: join(at, "secret") } }),
  ],
  [
    "in a file that a flag names",
    (at) => ({ flags: [flag(["auth", "jwt", "secretFile"], join(at, "secret"))] }),
  ],
])("nobody comes in without a token, if the key stands %s", async (_, place) => {
  const at = folder({ secret: SECRET });
  const { config = "", env = {}, flags = [] } = place(at);
  await Bun.write(join(at, "fairlead.yaml"), config + ROUTES);
  const loaded = await loadConfig({ base: { file: "fairlead.yaml" }, folder: at, env, flags });
  const gateway = gatewayOf(loaded.config, { log: memoryLog() });
  await gateway.start();
  const host = `127.0.0.1:${gateway.address.port}`;
  const statusOf = async (Authorization: string | null) =>
    (await ask(host, { headers: { Authorization } })).status;
  const statuses = [
    await statusOf(null),
    await statusOf("Bearer a.b.c"),
    await statusOf(`Bearer ${signedToken(SECRET)}`),
  ];
  await gateway.stop();
  expect(statuses).toEqual([401, 401, 101]);
});
