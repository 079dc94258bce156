/**
 * Durations and sizes as people write them: `25s`, `64KiB`. A plain number is milliseconds or bytes.
 * Anything else is undefined; the schema turns that into an error that names the option.
 */
const MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

/** setTimeout fires at once beyond this; a longer duration would mean its opposite. */
const MAX_DURATION = 2 ** 31 - 1;

/** Milliseconds of `1500`, `"1500"`, `"1.5s"`, `"2m"`; undefined when it is none. */
export function parseDuration(value: number | string): number | undefined {
  const ms = parse(value, MS);
  return ms === undefined || ms > MAX_DURATION ? undefined : ms;
}

/** Bytes of `65536`, `"64KiB"`, `"1MB"`; undefined when it is none. */
export function parseSize(value: number | string): number | undefined {
  return parse(value, BYTES);
}

/** The shortest exact way to write it: 90000 is `90s`, 120000 is `2m`. */
export function formatDuration(ms: number): string {
  return format(ms, ["h", "m", "s"], MS) ?? `${ms}ms`;
}

export function formatSize(bytes: number): string {
  return format(bytes, ["GiB", "MiB", "KiB"], BYTES) ?? `${bytes}B`;
}

function format(value: number, units: readonly string[], table: Readonly<Record<string, number>>) {
  const unit = units.find((name) => value >= (table[name] ?? 0) && value % (table[name] ?? 1) === 0);
  return unit === undefined ? undefined : `${value / (table[unit] ?? 1)}${unit}`;
}

function parse(value: number | string, table: Readonly<Record<string, number>>): number | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  const match = /^(\d{1,16}(?:\.\d{1,6})?) ?([A-Za-z]*)$/.exec(value);
  if (match === null) return undefined;
  const factor =
    match[2] === "" ? 1 : Object.hasOwn(table, match[2] ?? "") ? table[match[2] ?? ""] : undefined;
  const result = factor === undefined ? Number.NaN : Math.round(Number(match[1]) * factor);
  return Number.isSafeInteger(result) ? result : undefined;
}
