/** What an option takes, in words, drawn from its schema: `a whole number from 0 to 65535`, `"close" or "drop-oldest"`. */
import { z } from "zod";
import type { Schemas } from "./schema-tree.ts";
import { metaOf, typesOf } from "./schema-tree.ts";

/** How each unit is written. A unit that is missing here is an option of plain words, described by its type. */
const UNITS: Readonly<Record<string, string>> = {
  duration: 'a duration up to 24 days like "25s" or 25000 (milliseconds)',
  size: 'a size like "64KiB" or 65536 (bytes)',
};

export function expectedText(schemas: Schemas): string {
  const unit = UNITS[metaOf(schemas)?.unit ?? ""];
  if (unit !== undefined) return unit;
  const types = typesOf(schemas);
  const words = [...new Set(types.map((type) => typeText(type, types.length === 1)))];
  return words.length === 0 ? "nothing here" : listed(words, "or");
}

/** The words one may choose from, for "did you mean". */
export function wordsOf(schemas: Schemas): string[] {
  return typesOf(schemas)
    .flatMap((type) => (type instanceof z.ZodEnum || type instanceof z.ZodLiteral ? literals(type) : []))
    .filter((word) => typeof word === "string");
}

export function isList(schemas: Schemas): boolean {
  return typesOf(schemas).some((type) => type instanceof z.ZodArray);
}

/** An option that no text can set: a function, a table, or a list of tables. */
export function isTextless(schemas: Schemas): boolean {
  return typesOf(schemas).every(
    (type) =>
      type instanceof z.ZodCustom ||
      type instanceof z.ZodRecord ||
      type instanceof z.ZodObject ||
      (type instanceof z.ZodArray && isTextless([type.element])),
  );
}

/** Whether the option may have this value. */
export function takes(schemas: Schemas, value: unknown): boolean {
  return schemas.some((schema) => z.safeParse(schema, value).success);
}

function typeText(type: z.core.$ZodType, isAlone: boolean): string {
  if (type instanceof z.ZodEnum || type instanceof z.ZodLiteral) return orList(literals(type));
  if (type instanceof z.ZodNumber) return numberText(type);
  if (type instanceof z.ZodString) return "a text";
  if (type instanceof z.ZodBoolean) return "true or false";
  if (type instanceof z.ZodArray) return mayBeEmpty(type) ? "a list" : "a list with an entry";
  if (type instanceof z.ZodCustom) return "a function (TypeScript config only)";
  // Beside a word nobody knows which keys are meant.
  if (type instanceof z.ZodObject && !isAlone) return `a table of ${listed(Object.keys(type.shape), "and")}`;
  return "a table of keys";
}

function literals(type: z.ZodEnum | z.ZodLiteral): unknown[] {
  return type instanceof z.ZodEnum ? type.options : [...type.values];
}

const orList = (values: readonly unknown[]) =>
  listed(
    values.map((value) => JSON.stringify(value)),
    "or",
  );

/** `a, b or c` */
function listed(words: readonly string[], last: "and" | "or"): string {
  const before = words.slice(0, -1).join(", ");
  return [before, words.at(-1) ?? ""].filter((part) => part !== "").join(` ${last} `);
}

const mayBeEmpty = (type: z.ZodArray) => z.safeParse(type, []).success;

function numberText({ minValue, maxValue, format }: z.ZodNumber): string {
  const from = minValue === null ? "" : ` from ${minValue}`;
  const number = format === "safeint" ? "a whole number" : "a number";
  return maxValue === null || maxValue >= Number.MAX_SAFE_INTEGER
    ? `${number}${from}${from === "" ? "" : " up"}`
    : `${number}${from} to ${maxValue}`;
}
