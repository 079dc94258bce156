/**
 * Paths of routes: `/echo`, `/room/:name`, `/*`. Segments are static, one `:parameter`, or a last `*` for the rest.
 * They are written decoded; the router decodes what clients send before it compares.
 */
import { showValue } from "./key-path.ts";

/** What the gateway itself answers. `*` and parameters may overlap them, the gateway's own come first. */
const OWN = ["/healthz", "/readyz", "/metrics", "/api", "/console"];
const OWN_BELOW = ["/api/", "/console/"];
const MAX_LENGTH = 1024;

export interface PathFault {
  readonly text: string;
  /** What to do, with its leading space. */
  readonly hint: string;
}

export function pathFault(path: string): PathFault | undefined {
  if (!path.startsWith("/")) return { text: "does not start with /", hint: " A route's path is like /name." };
  if (path.length > MAX_LENGTH) return { text: `is longer than ${MAX_LENGTH} characters`, hint: "" };
  if (OWN.includes(path) || OWN_BELOW.some((own) => path.startsWith(own))) {
    return { text: `is a path of the gateway's own (${OWN.join(" ")})`, hint: " Choose another." };
  }
  if (/[\p{Cc}\s?#%\\]/u.test(path)) {
    const text = "has a space, a control character, ?, #, % or \\";
    return { text, hint: " A path is written decoded and without a query." };
  }
  const segments = path.slice(1).split("/");
  return segmentsFault(segments) ?? doubleName(paramsOf(path));
}

function segmentsFault(segments: readonly string[]): PathFault | undefined {
  for (const [index, segment] of segments.entries()) {
    const fault = segmentFault(segment, index === segments.length - 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function segmentFault(segment: string, isLast: boolean): PathFault | undefined {
  if (segment === "" && !isLast) return { text: "has an empty segment", hint: " Write one / between names." };
  if (segment === "." || segment === "..") {
    return { text: "has a segment . or ..", hint: " Clients resolve those before they ask." };
  }
  if (segment.startsWith(":") && !/^:[A-Za-z_]\w*$/.test(segment)) {
    const hint = " Letters, digits and _, like :name.";
    return { text: `has the parameter ${showValue(segment)}, which is no name`, hint };
  }
  if (segment.slice(1).includes(":")) return { text: "has a : inside a segment", hint: " Write /:name." };
  if (!segment.includes("*") || (segment === "*" && isLast)) return undefined;
  return { text: "has a * that is not its whole last segment", hint: " Write /files/*." };
}

function doubleName(params: readonly string[]): PathFault | undefined {
  const double = params.find((name, index) => params.indexOf(name) !== index);
  if (double === undefined) return undefined;
  return { text: `has the parameter :${double} twice`, hint: " Give each its own name." };
}

/** Names of the parameters in order. */
export function paramsOf(path: string): string[] {
  return path
    .split("/")
    .filter((segment) => segment.startsWith(":"))
    .map((segment) => segment.slice(1));
}

/** Pairs of paths that match the same requests, whatever their parameters are called: `/a/:x` and `/a/:y`. */
export function samePaths(paths: readonly string[]): [string, string][] {
  const seen = new Map<string, string>();
  const pairs: [string, string][] = [];
  for (const path of paths) {
    const shape = path.replaceAll(/\/:[^/]*/g, "/:");
    const first = seen.get(shape);
    if (first === undefined) seen.set(shape, path);
    else pairs.push([first, path]);
  }
  return pairs;
}
