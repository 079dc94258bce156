/** A client's request as a route's `admit` gets it, from a URL: parameters by the router's own hand. */

import { createRouter, type Params } from "../../src/reception/router.ts";
import type { AdmitRequest } from "../../src/route.ts";
import { OPEN_REQUEST } from "../open-access.ts";

/** Where it comes from, and where it came in. */
export const CALLER = {
  user: null,
  remoteAddress: "192.0.2.7",
  remotePort: 4000,
  local: { address: "127.0.0.1", port: 8080 },
} as const;

export function admitRequest(url: string, route: string, changes: Partial<AdmitRequest> = {}): AdmitRequest {
  const [path = "", query = ""] = url.split("?");
  return {
    path,
    params: paramsIn(path, route),
    query: new URLSearchParams(query),
    headers: new Headers(),
    ...CALLER,
    ...OPEN_REQUEST,
    protocols: [],
    signal: new AbortController().signal,
    ...changes,
  };
}

/** None where the path does not match; what the router refuses is handed over all the same, undecoded. */
function paramsIn(path: string, route: string): Params {
  const match = createRouter([[route, true]]).match(path);
  if (match.kind === "found") return match.params;
  const names = route
    .split("/")
    .flatMap((segment, at) => (segment.startsWith(":") ? [[segment.slice(1), at]] : []));
  const segments = path.split("/");
  return Object.fromEntries(names.map(([name, at]) => [name, segments[Number(at)] ?? ""]));
}
