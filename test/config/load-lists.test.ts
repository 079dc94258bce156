/** Tables in lists, which variables and flags cannot name. */
import { expect, test } from "bun:test";
import type { Setting } from "../../src/config/layers.ts";
import { loadConfig } from "../../src/config/load.ts";
import { folder } from "../folder.ts";

test("one option of a list can be set in the file only: anything else would take the place of the whole list", async () => {
  const two = '[{ issuer: a, jwks: "https://a.example" }, { issuer: b, jwks: "https://b.example" }]';
  const root = folder({ "x.yaml": `auth: { jwt: ${two} }\nroutes: { /e: { kind: echo } }\n` });
  const flag = {
    path: ["auth", "jwt", "issuer"],
    value: "c",
    origin: { from: "flag", name: "--auth-jwt-issuer" },
  } as const;
  const load = (env: Record<string, string>, flags: Setting[]) =>
    loadConfig({ base: { file: "x.yaml" }, folder: root, env, flags });
  const text = "sets an option of auth.jwt, which is a list here. Change it where the list stands.";
  await expect(load({}, [flag])).rejects.toThrow(`--auth-jwt-issuer: ${text}`);
  await expect(load({ FAIRLEAD_AUTH__JWT__SECRET: "very-secret" }, [])).rejects.toThrow(
    `env FAIRLEAD_AUTH__JWT__SECRET: ${text}`,
  );
  await expect(load({ FAIRLEAD_AUTH__GRACE: "1s" }, [])).resolves.toHaveProperty("config.auth.grace", 1_000);
});
