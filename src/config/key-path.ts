/**
 * Where a value stands in a config: the keys from the root. Values and keys come from files and people, so everything
 * that is shown of them is cut to one short line and has its control characters escaped.
 */
export type KeyPath = readonly (string | number)[];

const MAX_SHOWN = 60;

/** `listen.port`, `routes["/echo"].welcome`; the root is `(root)`. */
export function formatPath(path: KeyPath): string {
  const text = path.map(formatKey).join("").replace(/^\./, "");
  return text === "" ? "(root)" : text;
}

function formatKey(key: string | number): string {
  return typeof key === "string" && /^[A-Za-z_]\w{0,59}$/.test(key) ? `.${key}` : `[${showValue(key)}]`;
}

/** The value under own keys only, so that `__proto__` and `constructor` reach nothing that nobody wrote. */
export function valueAt(root: unknown, path: KeyPath): unknown {
  let value = root;
  for (const key of path) {
    if (!isTable(value) && !Array.isArray(value)) return undefined;
    if (!Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string | number, unknown>)[key];
  }
  return value;
}

/** An object of keys and values, as all four formats write it. A date, a class instance or a list is a value. */
export function isTable(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** One short line. Lists and tables are named, not shown: nobody knows what they hold. */
export function showValue(value: unknown): string {
  if (typeof value === "string")
    return JSON.stringify(cut(withoutPassword(value))).replace(CONTROLS, escapeControl);
  if (value === undefined) return "nothing";
  if (value === null) return "null (nothing)";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value instanceof Date) return "a date";
  if (typeof value === "object") return "a table of keys";
  if (typeof value === "function") return "a function";
  return cut(String(value));
}

/** JSON leaves DEL, the C1 controls and the marks that reorder text; a terminal obeys them. */
const CONTROLS = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

function escapeControl(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function cut(text: string): string {
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN - 3)}...`;
}

function withoutPassword(text: string): string {
  return text.replace(/\/\/[^/@\s]*@/g, "//[redacted]@");
}
