/** Arguments of a verb, read by its flags. Anything that is not understood is a USAGE error with the nearest right one. */
import { parseArgs } from "node:util";
import { showValue } from "../config/key-path.ts";
import type { Setting } from "../config/layers.ts";
import { didYouMean } from "../config/nearest.ts";
import { FairleadError } from "../errors.ts";
import type { Arguments, Command } from "./command.ts";
import type { Flag } from "./flags.ts";

export const HELP: Flag = { name: "help", short: "h", help: "show this help", read: () => [] };

/** @throws FairleadError USAGE */
export function readArguments(command: Command, argv: readonly string[]): Arguments {
  const flags = new Map([...command.flags, HELP].map((flag) => [flag.name, flag]));
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries([...flags.values()].map((flag) => [flag.name, parseOption(flag)])),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const operands: string[] = [];
  const settings: Setting[] = [];
  const texts = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind === "positional") operands.push(token.value);
    if (token.kind !== "option") continue;
    const flag = flags.get(token.name);
    if (flag === undefined) throw unknownFlag(token.rawName, command, flags.keys());
    const soFar = [...(texts.get(flag.name) ?? []), checkedText(flag, token)];
    texts.set(flag.name, soFar);
    settings.push(...flag.read(soFar));
  }
  checkCount(command, operands);
  const given = new Map([...texts].map(([name, all]) => [name, all.at(-1) ?? ""]));
  return { operands, settings, given, texts };
}

function parseOption({ placeholder, short }: Flag) {
  const type = placeholder === undefined ? ("boolean" as const) : ("string" as const);
  return short === undefined ? { type } : { type, short };
}

interface OptionToken {
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

/** A value that looks like a flag is mostly a flag whose neighbour lost its value. */
function checkedText({ name, placeholder }: Flag, { rawName, value, inlineValue }: OptionToken): string {
  if (placeholder === undefined) {
    if (value !== undefined) throw usage(`${rawName} takes no value, got ${showValue(value)}`);
    return "";
  }
  if (value === undefined) throw usage(`${rawName} needs a value; write ${rawName} ${placeholder}`);
  if (value.startsWith("-") && value !== "-" && inlineValue !== true) {
    throw usage(
      `${rawName} needs a value, and ${showValue(value)} looks like a flag; write --${name}=${value} if it is one`,
    );
  }
  return value;
}

function unknownFlag(rawName: string, command: Command, names: Iterable<string>): FairleadError {
  const hint = didYouMean(
    rawName,
    [...names].map((name) => `--${name}`),
  );
  return usage(
    `unknown flag ${showValue(rawName).slice(1, -1)} of ${command.name}.${hint} See fairlead ${command.name} --help`,
  );
}

function checkCount(command: Command, operands: readonly string[]): void {
  const extra = operands[command.maxOperands];
  if (extra === undefined) return;
  const form = `fairlead ${command.name} ${command.operands}`.trim();
  throw usage(`${command.name} does not take ${showValue(extra)}; the form is ${form} [options]`);
}

export function usage(text: string): FairleadError {
  return new FairleadError("USAGE", text);
}
