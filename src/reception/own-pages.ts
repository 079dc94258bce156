/**
 * The gateway's own paths: `/healthz` (alive), `/readyz` (may take traffic), `/metrics` (loopback peers only), and `/` as a list of routes.
 * They win over a `*` route; a configured route equal to one is a config error.
 * A request that came through a proxy is not from loopback, whatever its socket says, so forwarding headers close `/metrics`.
 */
import { isLoopback } from "../network.ts";
import { refusal, refusalResponse } from "../refusals.ts";
import type { RouteKind } from "../route.ts";

/** What this process says of itself; with others on its port, what all of them say. */
export interface Told {
  /** Why this node should get no traffic; undefined: it should. */
  notReady(): string | undefined | Promise<string | undefined>;
  /** Undefined: nobody knows the numbers of the others. */
  metrics(): string | Promise<string | undefined>;
}

export interface OwnPagesOptions extends Told {
  readonly routes: readonly { readonly path: string; readonly kind: RouteKind }[];
  /** A folder of files: then `/` is its index. */
  readonly web?: string | undefined;
}

type Page = Response | Promise<Response>;

const FORWARDED = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];
const METHODS = ["GET", "HEAD"];

export function createOwnPages(options: OwnPagesOptions) {
  const indexPage = text(200, listRoutes(options.routes));
  const pages: Readonly<Record<string, (request: Request, remoteAddress: string) => Page>> = {
    "/healthz": () => text(200, "ok\n")(),
    "/readyz": () => whenKnown(options.notReady(), readiness),
    "/metrics": (request, remoteAddress) =>
      isLocal(request, remoteAddress)
        ? whenKnown(options.metrics(), exposition)
        : refusalResponse(refusal("not_found")),
  };
  const hasRoot = options.web !== undefined || options.routes.some(({ path }) => path === "/");

  return function ownPage(request: Request, path: string, remoteAddress: string): Page | undefined {
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
    if (page === undefined) return path === "/" && !hasRoot && wantsList(request) ? indexPage() : undefined;
    if (METHODS.includes(request.method)) return page(request, remoteAddress);
    return refusalResponse(refusal("method_not_allowed", undefined, { Allow: METHODS.join(", ") }));
  };
}

/** A feed on `/*` answers `/` too when it is asked for events or JSON, or published to. */
function wantsList(request: Request): boolean {
  const accept = request.headers.get("accept") ?? "";
  return METHODS.includes(request.method) && !/text\/event-stream|application\/json/i.test(accept);
}

function isLocal(request: Request, remoteAddress: string): boolean {
  return isLoopback(remoteAddress) && !FORWARDED.some((name) => request.headers.has(name));
}

function listRoutes(routes: OwnPagesOptions["routes"]): string {
  const width = Math.max(...routes.map(({ kind }) => kind.length), 0);
  const lines = routes.map(({ path, kind }) => `${kind.padEnd(width)}  ${path}\n`);
  return `Fairlead, a realtime gateway. WebSocket routes here:\n\n${lines.join("")}`;
}

/** Of one process they are known at once, and then nobody waits a turn for them. */
function whenKnown<T>(value: T | Promise<T>, page: (value: T) => Response): Page {
  return value instanceof Promise ? value.then(page) : page(value);
}

function readiness(problem: string | undefined): Response {
  return problem === undefined ? text(200, "ready\n")() : text(503, `not ready: ${problem}\n`)();
}

function exposition(metrics: string | undefined): Response {
  if (metrics === undefined) return text(503, "the process that watches the workers does not answer\n")();
  return text(200, metrics, "text/plain; version=0.0.4; charset=utf-8")();
}

function text(status: number, body: string, type = "text/plain; charset=utf-8"): () => Response {
  return () => new Response(body, { status, headers: { "Content-Type": type, "Cache-Control": "no-store" } });
}
