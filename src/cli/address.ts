/** Listen addresses as people write them, and the addresses that are shown back to them. */
import { showValue } from "../config/key-path.ts";
import type { Setting } from "../config/layers.ts";
import { usage } from "./arguments.ts";

const FORM = /^(?:(\d+)|(?:\[([^\]\s]+)\]|([^:[\]\s/]*)):(\d+))$/;

export interface ListenAddress {
  /** Absent where none is written. */
  readonly host?: string;
  readonly port: number;
}

/**
 * `port`, `:port`, `host:port` or `[v6]:port`.
 * @throws FairleadError USAGE
 */
export function listenAddress(text: string): ListenAddress {
  const match = FORM.exec(text);
  if (match === null) {
    throw usage(`the listen address ${showValue(text)} is not port, :port, host:port or [v6]:port`);
  }
  const host = match[2] ?? match[3] ?? "";
  const port = Number(match[1] ?? match[4]);
  return host === "" ? { port } : { host, port };
}

/**
 * The same as settings. Without a host the default stays: a public bind is asked for.
 * @throws FairleadError USAGE
 */
export function listenSettings(text: string): Setting[] {
  const origin = { from: "flag", name: "listen address" } as const;
  return Object.entries(listenAddress(text)).map(([key, value]) => ({
    path: ["listen", key],
    value,
    origin,
  }));
}

/** `host:port` that a client on this machine can use: an address that means "all" is shown as the loopback one. */
export function reachable({ host, port }: { readonly host: string; readonly port: number }): string {
  const local: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };
  const name = local[host] ?? host;
  return `${name.includes(":") ? `[${name}]` : name}:${port}`;
}
