/** `fairlead config check | print | schema`: what a config says, before anything runs. */
import { showValue } from "../../config/key-path.ts";
import { type Base, loadConfig } from "../../config/load.ts";
import { didYouMean } from "../../config/nearest.ts";
import { CONFIG_NAMES, findConfigFile } from "../../config/read-file.ts";
import { usage } from "../arguments.ts";
import type { Arguments, Command } from "../command.ts";
import { gatewayFlags } from "../flags.ts";
import { printData, printTalk } from "../output.ts";
import { align } from "../try-lines.ts";
import { CONFIG_FLAG } from "./serve.ts";

export const command: Command = {
  name: "config",
  summary: "check a config, print what it comes to, or print its JSON Schema",
  operands: "check|print|schema [file]",
  maxOperands: 2,
  notes: [
    "check   says that it is fine (exit 0), or all that is wrong with it (exit 2)",
    "print   every option with its value and where it was written: flag, env, file:line or default",
    "schema  the JSON Schema of config files, for editors",
  ],
  flags: [CONFIG_FLAG, ...gatewayFlags({})],
  examples: [
    ["fairlead config check", "the file that fairlead serve would take"],
    ["fairlead config print gateway.yaml --port 9000", "with a flag over it"],
    [
      "fairlead config schema > fairlead.schema.json",
      "then: # yaml-language-server: $schema=fairlead.schema.json",
    ],
  ],
  async run(args) {
    const [action = "", ...rest] = args.operands;
    if (action === "check") return check(args);
    if (action === "print") return print(args);
    if (action === "schema" && rest.length === 0) return schema();
    if (action === "schema") throw usage("config schema takes no file; it is the schema of all of them");
    const hint = didYouMean(action, ["check", "print", "schema"]);
    const got = action === "" ? "" : `, got ${showValue(action)}`;
    throw usage(`config needs check, print or schema${got}.${hint} See fairlead config --help`);
  },
};

async function check(args: Arguments): Promise<number> {
  const file = fileOf(args);
  if (file === undefined) {
    throw usage(`there is no config file here; name one, or write ${CONFIG_NAMES.join(", ")}`);
  }
  await load({ file }, args);
  await printData(`${file} is fine`);
  return 0;
}

async function print(args: Arguments): Promise<number> {
  const file = fileOf(args);
  const { effectiveRows } = await import("../../config/print.ts");
  await printData(
    align(effectiveRows(await load(file === undefined ? await demo() : { file }, args))).join("\n"),
  );
  return 0;
}

async function demo(): Promise<Base> {
  const { demoConfig } = await import("../../config/demo.ts");
  printTalk(
    "fairlead: no config file here, so this is the demo; the bridge's target gets a free port when it starts",
  );
  return { name: "demo", preset: demoConfig("127.0.0.1:9000") };
}

async function schema(): Promise<number> {
  const { jsonSchema } = await import("../../config/json-schema.ts");
  await printData(JSON.stringify(jsonSchema(), null, 2));
  return 0;
}

function fileOf({ operands, given }: Arguments): string | undefined {
  return operands[1] ?? given.get("config") ?? findConfigFile(process.cwd());
}

function load(base: Base, { settings }: Arguments) {
  return loadConfig({ base, folder: process.cwd(), env: process.env, flags: settings });
}
