/** Whose tokens `fairlead token` makes and checks: those of a file that a flag names, or those of the config, environment included. */
import { type AuthOptions, authOptions, type JwtOptions } from "../../config/auth.ts";
import { showValue } from "../../config/key-path.ts";
import { type Base, loadConfig } from "../../config/load.ts";
import { findConfigFile } from "../../config/read-file.ts";
import { usage } from "../arguments.ts";
import type { Arguments } from "../command.ts";

export interface Issuing {
  readonly auth: AuthOptions;
  /** Paths as the config has them; undefined: a key was named in place of a config. */
  readonly routes: readonly string[] | undefined;
}

/** Options of `auth` as the config has them; with `--secret-file` or `--key-file`, that one key alone. */
export async function readAuth(args: Arguments): Promise<AuthOptions> {
  return (await readIssuing(args)).auth;
}

/** The same, and what the tokens may give rights on. */
export async function readIssuing({ given }: Arguments): Promise<Issuing> {
  const [secretFile, keyFile] = [given.get("secret-file"), given.get("key-file")];
  if (secretFile !== undefined && keyFile !== undefined)
    throw usage("--secret-file and --key-file each name a key; give one of them");
  const isGiven = secretFile !== undefined || keyFile !== undefined;
  if (isGiven) {
    const jwt = { ...(secretFile && { secretFile }), ...(keyFile && { keyFile }) };
    return { auth: authOptions.parse({ jwt }), routes: undefined };
  }
  const file = given.get("config") ?? findConfigFile(process.cwd());
  const base: Base = file === undefined ? { name: "no file", preset: {} } : { file };
  const { config } = await loadConfig({ base, folder: process.cwd(), env: process.env, flags: [] });
  if (config.auth !== undefined) return { auth: config.auth, routes: Object.keys(config.routes) };
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
