/** Whose tokens `fairlead token` makes and checks: those of a file that a flag names, or those of the config, environment included. */
import { type AuthOptions, authOptions, type JwtOptions } from "../../config/auth.ts";
import { showValue } from "../../config/key-path.ts";
import { type Base, loadConfig } from "../../config/load.ts";
import { findConfigFile } from "../../config/read-file.ts";
import { usage } from "../arguments.ts";
import type { Arguments } from "../command.ts";

/** Options of `auth` as the config has them; with `--secret-file` or `--key-file`, that one key alone. */
export async function readAuth({ given }: Arguments): Promise<AuthOptions> {
  const [secretFile, keyFile] = [given.get("secret-file"), given.get("key-file")];
  if (secretFile !== undefined && keyFile !== undefined)
    throw usage("--secret-file and --key-file each name a key; give one of them");
  const isGiven = secretFile !== undefined || keyFile !== undefined;
  if (isGiven)
    return authOptions.parse({ jwt: { ...(secretFile && { secretFile }), ...(keyFile && { keyFile }) } });
  const file = given.get("config") ?? findConfigFile(process.cwd());
  const base: Base = file === undefined ? { name: "no file", preset: {} } : { file };
  const { config } = await loadConfig({ base, folder: process.cwd(), env: process.env, flags: [] });
  if (config.auth !== undefined) return config.auth;
  throw usage(
    `${file ?? "a config"} with auth is needed here; write one, or name a key with --secret-file FILE`,
  );
}

/** The one issuer that is meant. */
export function chooseIssuer({ jwt }: AuthOptions, name: string | undefined): JwtOptions {
  const all = [jwt ?? []].flat();
  const [first, second] = all.filter(
    ({ issuer }) => name === undefined || issuer === undefined || issuer === name,
  );
  if (first === undefined && all.length > 0) throw usage(`the config has no issuer ${showValue(name)}`);
  if (first === undefined) throw usage("the config has no jwt, so no tokens are taken");
  if (second === undefined) return first;
  const names = all.map(({ issuer }) => showValue(issuer)).join(", ");
  throw usage(`the config has several issuers; choose one with --issuer: ${names}`);
}
