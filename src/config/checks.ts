/**
 * Combinations that are well-typed and still impossible, each with what to do instead. They look at what was written, not
 * at defaults, and pass over what has the wrong type, which is the schema's to tell: all errors come at once.
 */
import { topicProblem } from "../wire/topic.ts";
import { authProblems } from "./auth-checks.ts";
import { bridgeProblems } from "./bridge-checks.ts";
import { compressionProblems } from "./compression-checks.ts";
import { engineProblems } from "./engine-checks.ts";
import { hostsProblems, listenProblems, originsProblems } from "./gate-checks.ts";
import { isTable, type KeyPath, valueAt } from "./key-path.ts";
import { parseNetwork } from "./network.ts";
import type { Problem } from "./problems.ts";
import { rightsProblems } from "./rights-checks.ts";
import { paramsOf, pathFault, samePaths } from "./route-path.ts";
import { MAX_UNIX_PATH_BYTES } from "./target.ts";
import { parseDuration } from "./units.ts";
import { workersProblems } from "./workers-checks.ts";

export function combinationProblems(input: unknown): Problem[] {
  return [
    ...socketProblems(valueAt(input, ["listen", "unix"])),
    ...modeProblems(valueAt(input, ["listen", "unixMode"])),
    ...engineProblems(input),
    ...workersProblems(input),
    ...proxyProblems(valueAt(input, ["trustProxy"])),
    ...listenProblems(valueAt(input, ["listen"])),
    ...hostsProblems(valueAt(input, ["hosts"])),
    ...originsProblems(valueAt(input, ["origins"])),
    ...authProblems(input),
    ...routesProblems(valueAt(input, ["routes"])),
  ];
}

function socketProblems(received: unknown): Problem[] {
  if (typeof received !== "string") return [];
  if (!/\p{Cc}/u.test(received) && Buffer.byteLength(received) <= MAX_UNIX_PATH_BYTES) return [];
  const text = `expected the path of a socket, at most ${MAX_UNIX_PATH_BYTES} bytes without control characters`;
  return [{ path: ["listen", "unix"], text, received, hint: " Like /run/fairlead.sock." }];
}

function modeProblems(received: unknown): Problem[] {
  if (typeof received !== "string" || /^0?[0-7]{3}$/.test(received)) return [];
  const text = "expected three digits from 0 to 7";
  return [{ path: ["listen", "unixMode"], text, received, hint: ' Like "660", for its user and group.' }];
}

function proxyProblems(proxies: unknown): Problem[] {
  return (Array.isArray(proxies) ? proxies : []).flatMap((received, index) => {
    if (typeof received !== "string" || received === "unix" || parseNetwork(received) !== undefined)
      return [];
    const hint =
      " Like 127.0.0.1, 10.0.0.0/8, fd00::/8, or unix for peers of listen.unix; names are not resolved here.";
    return [{ path: ["trustProxy", index], text: "expected an address or a network", received, hint }];
  });
}

function routesProblems(routes: unknown): Problem[] {
  if (!isTable(routes)) return [];
  const paths = Object.keys(routes).filter((path) => path !== "__proto__");
  return [
    ...pathProblems(paths),
    ...compressionProblems(routes),
    ...paths.flatMap((path) => accessProblems(["routes", path], routes[path])),
    ...paths.flatMap((path) => routeProblems(path, routes[path])),
  ];
}

function pathProblems(paths: readonly string[]): Problem[] {
  const faults = paths.flatMap((path) => {
    const fault = pathFault(path);
    return fault === undefined ? [] : [{ path: ["routes", path], ...fault }];
  });
  const doubles = samePaths(paths).map(([first, second]) => ({
    path: ["routes", second],
    text: `matches exactly what ${JSON.stringify(first)} matches`,
    hint: " Keep one of the two.",
  }));
  return [...faults, ...doubles];
}

function accessProblems(at: KeyPath, route: unknown): Problem[] {
  return ["access", "anonymous"].flatMap((option) =>
    rightsProblems([...at, option], valueAt(route, [option])),
  );
}

type Route = Readonly<Record<string, unknown>>;
/** A problem of one option of the route at hand. */
type At = (key: string, text: string, hint: string) => Problem;

function routeProblems(path: string, route: unknown): Problem[] {
  if (!isTable(route)) return [];
  const at: At = (key, text, hint) => ({ path: ["routes", path, key], text, hint, received: route[key] });
  if (route["kind"] === "room") return nameProblems(path, "room");
  if (route["kind"] === "feed") return [...nameProblems(path, "topic"), ...feedProblems(path, route, at)];
  if (route["kind"] === "relay") return relayProblems(route, at);
  if (route["kind"] === "bridge") return bridgeProblems(path, route);
  return [];
}

/** Rooms and feeds take their name from the path, and one name is one parameter. */
function nameProblems(path: string, named: string): Problem[] {
  const { length } = paramsOf(path);
  if (length <= 1) return [];
  const where: KeyPath = ["routes", path];
  return [{ path: where, text: `has ${length} parameters, and one names the ${named}`, hint: " Keep one." }];
}

function feedProblems(path: string, route: Route, at: At): Problem[] {
  return [...sourceProblems(route, at), ...topicProblems(path, route, at), ...latestProblems(path, route)];
}

function sourceProblems({ source, interval }: Route, at: At): Problem[] {
  if (interval === undefined) return [];
  if (source !== "stocks") {
    return [at("interval", "is the pace of the source stocks", ' Add source: "stocks", or remove interval.')];
  }
  const isZero =
    (typeof interval === "number" || typeof interval === "string") && parseDuration(interval) === 0;
  if (!isZero) return [];
  return [
    at(
      "interval",
      "of the source stocks must be above 0",
      " To publish nothing, remove source and interval.",
    ),
  ];
}

function topicProblems(path: string, { topic }: Route, at: At): Problem[] {
  if (typeof topic !== "string") return [];
  const [param] = paramsOf(path);
  if (param !== undefined) {
    return [at("topic", `is named by :${param} of the path`, " Remove topic, or the parameter.")];
  }
  const problem = topicProblem(topic);
  return problem === undefined ? [] : [at("topic", "is no topic name", ` ${problem}.`)];
}

function latestProblems(path: string, route: Route): Problem[] {
  const received = valueAt(route, ["slow", "policy"]);
  if (received !== "latest" || route["keyField"] !== undefined) return [];
  const text = "keeps the newest value of each key, and no key is named";
  return [
    {
      path: ["routes", path, "slow", "policy"],
      text,
      received,
      hint: " Add keyField, or choose another policy.",
    },
  ];
}

function relayProblems({ mode, third, record }: Route, at: At): Problem[] {
  if (mode !== "pipe") {
    return record === undefined
      ? []
      : [at("record", "records pipes", ' Set mode: "pipe", or remove record.')];
  }
  // Who joins a stream in its middle cannot make sense of it, so a pipe has no use for somebody who waits.
  return third === "standby"
    ? [at("third", "is not possible in mode pipe", " Choose reject or replace.")]
    : [];
}
