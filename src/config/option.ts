/**
 * The words that options are described in: a schema, a default, the unit and the reason. Durations are kept in milliseconds, sizes in bytes.
 */
import { z } from "zod";
import { parseDuration, parseSize } from "./units.ts";

/** What `config print`, the JSON Schema and docs show of an option. `secret` values are never printed. */
export interface OptionMeta {
  unit?: string;
  reason: string;
  secret?: boolean;
  /** Of what bounds something that others can make grow: why it is so much, what happens at it, and its default where that is no value. */
  why?: string;
  atLimit?: string;
  otherwise?: string;
}

export function option<T extends z.ZodType>(schema: T, reason: string, unit?: string): T {
  return schema.meta(unit === undefined ? { reason } : { reason, unit });
}

/** One that bounds what others can make grow: docs/limits.md lists it with `why`, and with what happens `atLimit`. */
export function bounded<T extends z.ZodType>(schema: T, why: string, atLimit: string, otherwise?: string): T {
  return schema.meta({ ...schema.meta(), why, atLimit, ...(otherwise !== undefined && { otherwise }) });
}

/** Never printed. */
export function secret<T extends z.ZodType>(schema: T, reason: string): T {
  return schema.meta({ reason, secret: true });
}

function quantity(unit: string, example: string, parse: (value: number | string) => number | undefined) {
  return z.union([z.number(), z.string()]).transform((value, context) => {
    const parsed = parse(value);
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: "custom", message: `expected a ${unit} like ${example}`, input: value });
    return z.NEVER;
  });
}

export const duration = (byDefault: number | string, reason: string) =>
  option(
    quantity("duration", '"25s" or 25000 (milliseconds)', parseDuration).prefault(byDefault),
    reason,
    "duration",
  );

export const size = (byDefault: number | string, reason: string) =>
  option(quantity("size", '"64KiB" or 65536 (bytes)', parseSize).prefault(byDefault), reason, "size");

/** A size that has no default of its own. */
export const optionalSize = (reason: string) =>
  option(quantity("size", '"64KiB" or 65536 (bytes)', parseSize).optional(), reason, "size");

export const flag = (byDefault: boolean, reason: string) => option(z.boolean().default(byDefault), reason);

export const callback = <T>(reason: string) =>
  option(
    z.custom<T>((value) => typeof value === "function", { message: "expected a function" }).optional(),
    reason,
  );
