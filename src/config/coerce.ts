/** Environment and flags are text; the schema says which value a text means. */
import { isList, takes } from "./expected.ts";
import type { Schemas } from "./schema-tree.ts";

/**
 * The first reading of `text` that the option takes: true/false, a number, the text, a list at its commas.
 * A text that fits no reading stays text, so that the schema's error shows what was written.
 */
export function coerce(text: string, schemas: Schemas): unknown {
  return readings(text, schemas).find((value) => takes(schemas, value)) ?? text;
}

function readings(text: string, schemas: Schemas): unknown[] {
  return [
    ...(text === "true" || text === "false" ? [text === "true"] : []),
    ...(/^-?\d{1,15}(\.\d+)?$/.test(text) ? [Number(text)] : []),
    text,
    ...(isList(schemas) ? [splitList(text)] : []),
  ];
}

function splitList(text: string): string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
