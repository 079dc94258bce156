/** `fairlead serve`: the config file, or the demo where there is none. */
import { demoConfig } from "../../config/demo.ts";
import type { Base } from "../../config/load.ts";
import { loadConfig } from "../../config/load.ts";
import { CONFIG_NAMES, findConfigFile } from "../../config/read-file.ts";
import type { Command } from "../command.ts";
import { startDemoUpstream } from "../demo-upstream.ts";
import { type Flag, gatewayFlags } from "../flags.ts";
import { printTalk } from "../output.ts";
import { runGateway } from "../run-gateway.ts";

export const CONFIG_FLAG: Flag = {
  name: "config",
  short: "c",
  placeholder: "FILE",
  help: "config file (.yaml, .yml, .toml, .json or .ts)",
  group: "gateway",
  read: () => [],
};

export const command: Command = {
  name: "serve",
  summary: "serve what the config file says, or the demo (the default verb)",
  operands: "",
  maxOperands: 0,
  notes: [
    `Looks in the working folder for ${CONFIG_NAMES.join(", ")}.`,
    "Without one it serves a demo: a route of each kind on 127.0.0.1:8080.",
    "A flag comes before the environment (FAIRLEAD_LISTEN__PORT), that before the file.",
    "Ctrl-C or SIGTERM closes connections in order; a second one ends at once.",
  ],
  flags: [CONFIG_FLAG, ...gatewayFlags({})],
  examples: [
    ["fairlead", "the demo, or ./fairlead.yaml"],
    ["fairlead serve --config gateway.toml --port 9000", "another file, another port"],
    ["fairlead serve --host 0.0.0.0 --log-format json", "reachable from outside, logs for machines"],
  ],
  async run({ settings, given }) {
    const folder = process.cwd();
    const file = given.get("config") ?? findConfigFile(folder);
    const base: Base = file === undefined ? startDemo() : { file };
    const source = { base, folder, flags: settings };
    const { config } = await loadConfig({ ...source, env: process.env });
    return runGateway(config, { source });
  },
};

function startDemo(): Base {
  printTalk("fairlead: no config file here, so this is the demo; fairlead serve --help says more");
  return { name: "demo", preset: demoConfig(startDemoUpstream().target) };
}
