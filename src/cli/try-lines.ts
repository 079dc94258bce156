/** What `serve` prints once it listens: the address, and one line per route with a command to try it. */
import type { Config, RouteOptions } from "../config/schema.ts";
import { reachable } from "./address.ts";

export function tryLines(
  config: Config,
  address: { readonly host: string; readonly port: number },
): string[] {
  if (config.listen.unix !== undefined) return socketLines(config, address.host);
  const host = reachable(address);
  const { tls, devTls } = config.listen;
  const secure = tls === undefined && !devTls ? "" : "s";
  // Nobody trusts the certificate that was just made.
  const trusting = (command: string) => (devTls ? command.replace(/(curl|connect) /, "$1 -k ") : command);
  const asks = (route: RouteOptions) => (route.auth ?? (config.auth && "required")) === "required";
  const known = (route: RouteOptions, command: string) => (asks(route) ? withToken(command) : command);
  const rows = Object.entries(config.routes).map(([path, route]) => [
    route.kind,
    `ws${secure}://${host}${path === "/*" ? "/" : path}`,
    trusting(known(route, commandFor(route, `${secure}://${host}${samplePath(path, route)}`))),
  ]);
  return [`Fairlead listens on http${secure}://${host}`, ...(rows.length > 0 ? ["", ...align(rows)] : [])];
}

/** No URL names a socket of the file system, so there are paths and one program that takes both. */
function socketLines({ routes }: Config, host: string): string[] {
  const path = host.replace("unix:", "");
  return [
    `Fairlead listens on ${host}`,
    `try: curl --unix-socket ${path} http://localhost/healthz`,
    "",
    ...align(Object.entries(routes).map(([route, { kind }]) => [kind, route])),
  ];
}

/** A path that the route matches, and the query without which it answers nobody: parameters get a name, `*` nothing. */
function samplePath(path: string, route: RouteOptions): string {
  const name = encodeURIComponent(sampleName(route));
  return path.replaceAll(/:\w+/g, name).replace(/\*$/, "") + sampleQuery(path, route);
}

/** What only the reader knows is in capitals. */
function sampleName(route: RouteOptions): string {
  if (route.kind === "feed") return route.source === "stocks" ? "stocks" : "news";
  if (route.kind !== "bridge" || (route.targets ?? route.tokens) === undefined) return "lobby";
  return Object.keys(route.targets ?? {})[0] ?? "TOKEN";
}

function sampleQuery(path: string, route: RouteOptions): string {
  if (route.kind === "relay") return route.mode === "pipe" ? "?group=lab&role=center" : "";
  if (route.kind !== "bridge") return "";
  if (route.allow !== undefined) return "?host=HOST&port=PORT";
  return route.tokens === undefined || path.includes(":token") ? "" : "?token=TOKEN";
}

/** By a file where the program takes one: arguments can be read by others on the machine. */
function withToken(command: string): string {
  return command
    .replace("curl ", `curl -H "Authorization: Bearer $(cat TOKEN_FILE)" `)
    .replace("connect ", "connect --token-file TOKEN_FILE ");
}

/** `rest`: the URL but for its first letters, `://host/path`, or `s://host/path` where it is TLS. */
function commandFor(route: RouteOptions, rest: string): string {
  const { kind } = route;
  if (kind === "feed") return `curl -N -H 'Accept: text/event-stream' http${rest}`;
  const url = rest.includes("?") ? `'ws${rest}'` : `ws${rest}`;
  // Under `lines` a message is a line; -b would send its line feed, too.
  if (kind === "bridge" && route.framing !== "lines") return `npx fairlead connect -b ${url}`;
  if (kind !== "relay" || route.mode === "pipe") return `npx fairlead connect ${url}`;
  const hello = '{"group_id":"1","sender_type":"center","receiver_type":"local","content":"hello"}';
  return `echo '${hello}' | npx fairlead connect ${url}`;
}

/** Columns as wide as their widest cell, two spaces and more between them. */
export function align(rows: readonly (readonly string[])[]): string[] {
  const columns = Math.max(...rows.map((row) => row.length), 0);
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd((widths[column] ?? 0) + 2))
      .join("")
      .trimEnd(),
  );
}
