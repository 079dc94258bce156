/**
 * TOML 1.0. The package gives values and the line of a fault, but no lines of keys; those come from a second look that only
 * finds keys. It runs on text that is known to be TOML, so it may skip what it does not understand.
 */
import { parse, TomlError } from "smol-toml";
import { showValue } from "./key-path.ts";
import type { Read } from "./source-map.ts";
import { mapToml } from "./toml-lines.ts";

export function readToml(text: string): Read {
  try {
    return { source: { value: parse(text), lines: mapToml(text) } };
  } catch (error) {
    if (error instanceof RangeError) return { faults: [{ text: "is nested too deeply" }] };
    if (!(error instanceof TomlError)) throw error;
    const reason = (error.message.split("\n", 1)[0] ?? "").replace(/^Invalid TOML document: /, "");
    return { faults: [{ line: error.line, text: `is not valid TOML: ${showValue(reason).slice(1, -1)}` }] };
  }
}
