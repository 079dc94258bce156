/**
 * Path -> route. A segment is tried as a static name, then as `:param`, then the rest as `*`, with backtracking.
 * Segments are percent-decoded exactly once, before they are compared, so the name a route is given is the name that was matched.
 * Limits: a parameter is 1 to 255 bytes of UTF-8 without control characters; anything else is `bad`, as is broken percent-encoding.
 */

export type Params = Readonly<Record<string, string>>;
export type Match<T> =
  | { readonly kind: "found"; readonly value: T; readonly params: Params }
  | { readonly kind: "none" }
  | { readonly kind: "bad"; readonly problem: string };

export interface Router<T> {
  /** `path` as it stands in the request line: starts with `/`, still percent-encoded, without the query. */
  match(path: string): Match<T>;
}

interface Leaf<T> {
  readonly value: T;
  readonly names: readonly string[];
}

interface Node<T> {
  readonly statics: Map<string, Node<T>>;
  param: Node<T> | undefined;
  rest: Leaf<T> | undefined;
  leaf: Leaf<T> | undefined;
}

interface Hit<T> {
  readonly leaf: Leaf<T>;
  readonly values: readonly string[];
}

const MAX_PARAM_BYTES = 255;
const CONTROL = /\p{Cc}/u;

export function createRouter<T>(routes: Iterable<readonly [path: string, value: T]>): Router<T> {
  const root = createNode<T>();
  for (const [path, value] of routes) insert(root, path, value);
  return {
    match(path) {
      const segments = decode(path);
      if (segments === undefined) return { kind: "bad", problem: "the path has broken percent-encoding" };
      const hit = find(root, segments, 0, []);
      return hit === undefined ? { kind: "none" } : resolve(hit);
    },
  };
}

function createNode<T>(): Node<T> {
  return { statics: new Map(), param: undefined, rest: undefined, leaf: undefined };
}

function insert<T>(root: Node<T>, path: string, value: T): void {
  const names: string[] = [];
  let node = root;
  for (const segment of path.slice(1).split("/")) {
    if (segment === "*") {
      node.rest = { value, names };
      return;
    }
    node = segment.startsWith(":") ? paramChild(node) : staticChild(node, segment);
    if (segment.startsWith(":")) names.push(segment.slice(1));
  }
  node.leaf = { value, names };
}

function paramChild<T>(node: Node<T>): Node<T> {
  node.param ??= createNode();
  return node.param;
}

function staticChild<T>(node: Node<T>, segment: string): Node<T> {
  const child = node.statics.get(segment) ?? createNode<T>();
  node.statics.set(segment, child);
  return child;
}

function decode(path: string): string[] | undefined {
  const segments = path.slice(1).split("/");
  if (!path.includes("%")) return segments;
  try {
    return segments.map(decodeURIComponent);
  } catch {
    // URIError is decodeURIComponent's only way to say "malformed".
    return undefined;
  }
}

function find<T>(
  node: Node<T>,
  segments: readonly string[],
  at: number,
  values: readonly string[],
): Hit<T> | undefined {
  const segment = segments[at];
  if (segment === undefined) return node.leaf && { leaf: node.leaf, values };
  const child = node.statics.get(segment);
  const hit =
    (child && find(child, segments, at + 1, values)) ??
    (node.param && find(node.param, segments, at + 1, [...values, segment]));
  return hit ?? (node.rest && { leaf: node.rest, values });
}

function resolve<T>({ leaf, values }: Hit<T>): Match<T> {
  const params: Record<string, string> = Object.create(null);
  for (const [index, name] of leaf.names.entries()) {
    const value = values[index] ?? "";
    const problem = paramProblem(value);
    if (problem !== undefined) return { kind: "bad", problem: `the path's ${name} ${problem}` };
    params[name] = value;
  }
  return { kind: "found", value: leaf.value, params };
}

function paramProblem(value: string): string | undefined {
  if (value === "") return "is empty";
  if (Buffer.byteLength(value) > MAX_PARAM_BYTES) return `is longer than ${MAX_PARAM_BYTES} bytes`;
  if (CONTROL.test(value)) return "contains a control character";
  return undefined;
}
