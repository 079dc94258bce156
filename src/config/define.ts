/** `defineConfig` of the TypeScript config. It lives apart so that a config file loads nothing but itself. */
import type { ConfigInput } from "./schema.ts";

/** Gives a `fairlead.config.ts` its types: `export default defineConfig({ routes: { "/echo": { kind: "echo" } } })`. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config;
}
