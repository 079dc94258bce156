/**
 * The schema as a tree one can ask: which keys stand here, what is expected, which options are there. A place may have
 * more than one schema (a route before its kind is known), so every answer is about a list of them.
 */
import { z } from "zod";
import type { KeyPath } from "./key-path.ts";
import { isTable, valueAt } from "./key-path.ts";
import type { OptionMeta } from "./option.ts";

export type Schemas = readonly z.core.$ZodType[];

/** What may stand at `path`. `root` is the config so far: the `kind` in it decides which options a route has. */
export function schemasAt(schema: z.core.$ZodType, path: KeyPath, root: unknown): Schemas {
  let schemas: Schemas = [schema];
  for (const [index, key] of path.entries()) {
    const value = valueAt(root, path.slice(0, index));
    schemas = schemas.flatMap((one) => childrenOf(one, key, value));
  }
  return schemas;
}

/** The keys one may write here; none where any key may stand (routes) or no key at all. */
export function keysOf(schemas: Schemas, value: unknown): string[] {
  return [
    ...new Set(
      schemas.flatMap((schema) => objectsOf(schema, value)).flatMap((object) => Object.keys(object.shape)),
    ),
  ];
}

/** Default, unit and reason live on the outermost schema of an option. */
export function metaOf(schemas: Schemas): OptionMeta | undefined {
  for (const schema of schemas) {
    const meta = z.globalRegistry.get(schema as z.ZodType);
    if (meta !== undefined && typeof meta["reason"] === "string") return meta as unknown as OptionMeta;
  }
  return undefined;
}

/** The default as the schema writes it (`"64KiB"`, not 65536); undefined when there is none. */
export function defaultAt(schemas: Schemas): unknown {
  const [schema] = schemas;
  const hasDefault = schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault;
  return hasDefault ? schema.def.defaultValue : undefined;
}

/** The bare types an option takes, without default and optional around them. */
export function typesOf(schemas: Schemas): Schemas {
  return schemas
    .map(bare)
    .flatMap((schema) =>
      schema instanceof z.ZodUnion && !(schema instanceof z.ZodDiscriminatedUnion)
        ? typesOf(schema.options)
        : [schema],
    );
}

/** Paths of all options there are for this config: what is not a section. Routes count as far as `value` has them. */
export function optionPaths(schema: z.core.$ZodType, value: unknown, path: KeyPath = []): KeyPath[] {
  const type = bare(schema);
  if (type instanceof z.ZodRecord) {
    const keys = isTable(value) ? Object.keys(value) : [];
    const below = keys.flatMap((key) => optionPaths(type.valueType, valueAt(value, [key]), [...path, key]));
    return metaOf([schema]) === undefined ? below : [path];
  }
  const objects = objectsOf(type, value);
  const keys = [...new Set(objects.flatMap((object) => Object.keys(object.shape)))];
  const below = keys.flatMap((key) => {
    const child = childrenOf(type, key, value)[0];
    return child === undefined ? [] : optionPaths(child, valueAt(value, [key]), [...path, key]);
  });
  return isSection(type) ? below : [path, ...below];
}

/** A union of a word and a table is an option and has some: `engine` and `engine.sqlite`. */
function isSection(type: z.core.$ZodType): boolean {
  return typesOf([type]).every((one) => one instanceof z.ZodObject || one instanceof z.ZodDiscriminatedUnion);
}

function bare(schema: z.core.$ZodType): z.core.$ZodType {
  const wrapped =
    schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional;
  return wrapped ? bare(schema.unwrap()) : schema;
}

function childrenOf(schema: z.core.$ZodType, key: string | number, value: unknown): z.core.$ZodType[] {
  const type = bare(schema);
  if (type instanceof z.ZodRecord) return [type.valueType];
  if (type instanceof z.ZodArray) return [type.element];
  if (type instanceof z.ZodUnion && typeof key === "number") return listsOf(type).map((list) => list.element);
  return objectsOf(type, value).flatMap((object) =>
    Object.hasOwn(object.shape, key) ? [object.shape[key] as z.core.$ZodType] : [],
  );
}

/** A table or a list of them, as `auth.jwt` is. */
function listsOf(schema: z.core.$ZodType): z.ZodArray[] {
  return typesOf([schema]).filter((type) => type instanceof z.ZodArray);
}

function objectsOf(schema: z.core.$ZodType, value: unknown): z.ZodObject[] {
  const type = bare(schema);
  if (type instanceof z.ZodObject) return [type];
  if (!(type instanceof z.ZodUnion)) return [];
  const objects = type.options.flatMap((option) => objectsOf(option, value));
  const kind = valueAt(value, ["kind"]);
  const chosen = objects.filter((object) => literalsOf(object.shape["kind"]).includes(kind));
  return chosen.length > 0 ? chosen : bestKnown(objects, value);
}

/** Of several tables, the one meant is the one that knows most of the keys: `engine.sync` is an option where `engine.sqlite` is. */
function bestKnown(objects: z.ZodObject[], value: unknown): z.ZodObject[] {
  if (objects.length < 2 || !isTable(value)) return objects;
  const known = (object: z.ZodObject) =>
    Object.keys(value).filter((key) => Object.hasOwn(object.shape, key)).length;
  const most = Math.max(...objects.map(known));
  return objects.filter((object) => known(object) === most);
}

function literalsOf(schema: z.core.$ZodType | undefined): unknown[] {
  return schema instanceof z.ZodLiteral ? [...schema.values] : [];
}
