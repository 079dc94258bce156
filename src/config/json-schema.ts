/** The JSON Schema of a config file: what one may write, with defaults, and the reason of each option as its description. */
import { z } from "zod";
import { configSchema } from "./schema.ts";

type Json = Record<string, unknown>;

export function jsonSchema(): Json {
  const { $schema, ...schema } = z.toJSONSchema(configSchema, {
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema instanceof z.ZodCustom) jsonSchema["x-function"] = true;
    },
  });
  const { properties, ...rest } = tidy(schema) as Json;
  // Editors read it from the file itself; `read-file.ts` takes it out.
  const ownSchema = { type: "string", description: "where an editor finds this schema" };
  return {
    $schema,
    title: "Fairlead config",
    ...rest,
    properties: { $schema: ownSchema, ...(properties as Json) },
  };
}

/** Our own words about an option are none of JSON Schema; functions cannot be written in a file. */
function tidy(node: unknown): unknown {
  if (Array.isArray(node)) return node.filter((item) => !isFunction(item)).map(tidy);
  if (typeof node !== "object" || node === null) return node;
  const { reason, unit, secret: _s, why: _w, atLimit: _a, otherwise: _o, ...rest } = node as Json;
  const entries = Object.entries(rest)
    .filter(([, value]) => !isFunction(value))
    .map(([key, value]) => [key, key === "default" ? value : tidy(value)]);
  const description = unit === undefined ? reason : `${reason} (${unit})`;
  return { ...(reason === undefined ? {} : { description }), ...Object.fromEntries(entries) };
}

function isFunction(node: unknown): boolean {
  return typeof node === "object" && node !== null && "x-function" in node;
}
