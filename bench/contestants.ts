/** Who takes part: the bare loop, Fairlead as a user starts it, `ws` on Node, and on bridges what else is installed. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RouteKind } from "../src/route.ts";
import { type Contestant, root } from "./server.ts";

/** Where each kind listens. The bare loops take any path, so all servers get the same. */
export const PATHS = {
  echo: "/echo",
  room: "/room/:name",
  feed: "/feed/:topic",
  relay: "/relay",
  bridge: "/bridge",
} as const satisfies Record<RouteKind, string>;

const folder = mkdtempSync(join(tmpdir(), "fairlead-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** The options that differ from the defaults, because the row cannot be run without. */
const OPTIONS: Partial<Record<RouteKind, object>> = { feed: { publish: true } };

export function bare(kind: RouteKind | "pub" | "pipe" | "compressed"): Contestant {
  return {
    name: "bare",
    command: (port, target) => [process.execPath, `bench/bare/${kind}.ts`, `${port}`, `${target}`],
  };
}

/** Without the launcher, which only finds Bun and becomes it. `options` of the route, and of the `house`, beside the defaults. */
export function fairlead(
  kind: RouteKind,
  options: object = {},
  name = "fairlead",
  house: object = {},
): Contestant {
  return served(name, [process.execPath, "src/cli/main.ts"], kind, options, house);
}

/** As `npx fairlead` runs it. */
export function launcher(kind: RouteKind): Contestant {
  return served("fairlead, launcher", ["node", "bin/fairlead.mjs"], kind, {});
}

function served(
  name: string,
  program: readonly string[],
  kind: RouteKind,
  options: object,
  house: object = {},
): Contestant {
  const command = (port: number, target: number) => [
    ...program,
    "serve",
    "--config",
    configFile(kind, port, target, options, house),
  ];
  return { name, command: existsSync(join(root, "src/cli/main.ts")) ? command : undefined };
}

/** One route of one kind, everything else by default. */
function configFile(kind: RouteKind, port: number, target: number, options: object, house: object): string {
  const path = join(folder, `${kind}-${port}.json`);
  const route = {
    kind,
    ...OPTIONS[kind],
    ...options,
    ...(kind === "bridge" ? { target: `127.0.0.1:${target}` } : {}),
  };
  writeFileSync(path, JSON.stringify({ ...house, listen: { port }, routes: { [PATHS[kind]]: route } }));
  return path;
}

export function ws(kind: RouteKind): Contestant {
  const command = (port: number, target: number) => ["node", `bench/ws/${kind}.mjs`, `${port}`, `${target}`];
  return { name: "ws", command: Bun.which("node") === null ? undefined : command };
}

export const websockify: Contestant = {
  name: "websockify",
  command: installed("websockify", (bin, port, target) => [bin, `127.0.0.1:${port}`, `127.0.0.1:${target}`]),
};

export const websocat: Contestant = {
  name: "websocat",
  command: installed("websocat", (bin, port, target) => [
    bin,
    "-b",
    `ws-l:127.0.0.1:${port}`,
    `tcp:127.0.0.1:${target}`,
  ]),
};

function installed(
  name: string,
  args: (bin: string, port: number, target: number) => string[],
): Contestant["command"] {
  const bin = Bun.which(name);
  return bin === null ? undefined : (port, target) => args(bin, port, target);
}
