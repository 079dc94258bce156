/**
 * The effective config: flag over environment over file (or preset) over default, and where each value comes from.
 * Fails with one CONFIG_INVALID error that lists everything wrong, in order of line.
 */
import { FairleadError } from "../errors.ts";
import type { Environment } from "./environment.ts";
import { readEnvironment } from "./environment.ts";
import { formatPath, type KeyPath, valueAt } from "./key-path.ts";
import type { Layer, Setting } from "./layers.ts";
import { mergeLayers, originIn, originOfValue, settingsLayer } from "./layers.ts";
import type { Origin } from "./origin.ts";
import type { Located, Problem } from "./problems.ts";
import { formatProblems } from "./problems.ts";
import { readConfigFile } from "./read-file.ts";
import type { Config, ConfigInput } from "./schema.ts";
import { validate } from "./validate.ts";

/** The lowest layer: a file, or what the program brings itself (the demo, a one-liner). */
export type Base = { readonly file: string } | { readonly name: string; readonly preset: ConfigInput };

export interface LoadOptions {
  readonly base: Base;
  /** Folder that a relative file name is looked up from. */
  readonly folder: string;
  readonly env: Environment;
  readonly flags: readonly Setting[];
}

export interface Loaded {
  readonly config: Config;
  originOf(path: KeyPath): Origin;
}

/** A file that is wrong in a thousand places is told the first hundred. */
const MAX_TOLD = 100;

/** @throws FairleadError CONFIG_INVALID, its message one problem a line */
export async function loadConfig(options: LoadOptions): Promise<Loaded> {
  const base = await readBase(options);
  const below = mergeLayers([base]);
  const environment = readEnvironment(options.env, below);
  const layers = [base, settingsLayer(environment.settings), settingsLayer(options.flags)];
  const validated = validate(mergeLayers(layers));
  const wrong = "problems" in validated ? validated.problems.map((problem) => locate(problem, layers)) : [];
  const lost = intoLists([...environment.settings, ...options.flags], below);
  const problems = [...environment.problems, ...lost, ...wrong];
  if ("problems" in validated || problems.length > 0) throw invalid(problems);
  return { config: validated.config, originOf: (path) => originOfValue(layers, path) };
}

async function readBase({ base, folder }: LoadOptions): Promise<Layer> {
  if ("preset" in base) {
    const origin: Origin = { from: "preset", name: base.name };
    return { value: base.preset, originOf: () => origin };
  }
  const read = await readConfigFile(base.file, folder);
  if ("layer" in read) return read.layer;
  throw invalid(
    read.faults.map(({ line, text }) => ({
      origin: { from: "file", name: base.file, ...(line === undefined ? {} : { line }) },
      problem: { path: [], text },
    })),
  );
}

/** What would set an option of one of a list, and instead would take the place of them all. */
function intoLists(settings: readonly Setting[], below: unknown): Located[] {
  return settings.flatMap(({ path, origin }) => {
    const sections = path.slice(0, -1).map((_, at) => path.slice(0, at + 1));
    const list = sections.find((section) => Array.isArray(valueAt(below, section)));
    if (list === undefined) return [];
    const text = `sets an option of ${formatPath(list)}, which is a list here`;
    return [{ origin, problem: { path: [], text, hint: " Change it where the list stands." } }];
  });
}

/** A value that came from a secret's file is not shown, whatever option it was meant for. */
function locate(problem: Problem, layers: readonly Layer[]): Located {
  const origin = originIn(layers, problem.path);
  return { origin, problem: origin.secret === true ? { ...problem, secret: true } : problem };
}

function invalid(problems: readonly Located[]): FairleadError {
  const lines = formatProblems(problems);
  const more = lines.length > MAX_TOLD ? [`... and ${lines.length - MAX_TOLD} more`] : [];
  return new FairleadError("CONFIG_INVALID", [...lines.slice(0, MAX_TOLD), ...more].join("\n"));
}
