/** The effective config, one option a row: key, value, where it was written. Secrets are told, not shown. */
import { formatPath, type KeyPath, showValue, valueAt } from "./key-path.ts";
import type { Loaded } from "./load.ts";
import { formatOrigin } from "./origin.ts";
import { configSchema } from "./schema.ts";
import { metaOf, optionPaths, schemasAt } from "./schema-tree.ts";
import { formatDuration, formatSize } from "./units.ts";

export function effectiveRows({ config, originOf }: Loaded): [key: string, value: string, origin: string][] {
  return optionPaths(configSchema, config).map((path) => {
    const origin = originOf(path);
    const isSecret = origin.secret === true || metaOf(schemasAt(configSchema, path, config))?.secret === true;
    const value = valueAt(config, path);
    const text = isSecret && value !== undefined ? "[redacted]" : optionText(path, value, config);
    return [formatPath(path), text, formatOrigin(origin)];
  });
}

function optionText(path: KeyPath, value: unknown, config: unknown): string {
  if (value === undefined) return "-";
  if (Array.isArray(value)) return `[${value.map(showValue).join(", ")}]`;
  const unit = metaOf(schemasAt(configSchema, path, config))?.unit;
  if (unit === "duration" && typeof value === "number") return formatDuration(value);
  if (unit === "size" && typeof value === "number") return formatSize(value);
  return showValue(value);
}
