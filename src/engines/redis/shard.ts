/**
 * One Redis, or the master that Sentinel names, with its two connections, for scripts and for pub/sub: up when both are.
 * Failure: a master that another one took the place of is left with both of them.
 */
import type { Clock } from "../../clock.ts";
import type { RedisOptions } from "../../config/engine.ts";
import type { Log } from "../../log.ts";
import { type Channels, createChannels } from "./channels.ts";
import { loadClients } from "./clients.ts";
import { downError } from "./down.ts";
import { createServer, type Server } from "./server.ts";
import { isFatal, modeOf } from "./server-about.ts";

export interface ShardOptions {
  readonly options: RedisOptions;
  readonly clock: Clock;
  readonly log: Pick<Log, "info" | "warn">;
  readonly fresh: () => string;
  /** Something of it is up that was not, or is another server: what was told meanwhile is lost. */
  readonly onUp: () => void;
  readonly onThrow: (channel: string, error: unknown) => void;
}

export interface Shard {
  /** Undefined: all of it takes calls. */
  readonly problem: string | undefined;
  /** For people, without secrets. */
  readonly name: string;
  /** Of its clock; undefined: never known. */
  readonly skew: number | undefined;
  readonly channels: Channels;
  /** Who has the keys of a home. Undefined: nobody is known to. */
  serverOf(base: string): Server | undefined;
  /** Resolves when it is up, or after `timeout`. Rejects with ENGINE_DOWN for what only the operator can mend. */
  start(): Promise<void>;
  close(): void;
}

/** `urls`: as `loadClients` takes them. */
export function createShard(urls: readonly string[], deps: ShardOptions): Shard {
  const { options, clock } = deps;
  const { timeout } = options;
  const name = urls.map(shownName).join(" ");
  const waiting = createWaiting(clock, timeout);
  const problemOf = () =>
    server.problem ?? (channels.isUp ? undefined : "there is no connection for pub/sub");
  let met: string | undefined;
  let isClosed = false;

  const onChange = () => {
    const { runId } = server;
    if (runId !== undefined && met !== undefined && runId !== met) channels.leave();
    met = runId ?? met;
    if (problemOf() === undefined) deps.onUp();
    waiting.look();
  };
  const server = createServer({ ...deps, name, timeout, mode: modeOf(options), onChange, onMoved() {} });
  const channels = createChannels({ ...deps, timeout, onChange });

  return {
    get problem() {
      return problemOf();
    },
    name,
    get skew() {
      return server.skew;
    },
    channels,
    serverOf: () => server,
    async start() {
      const clients = await loadClients(urls, options);
      if (isClosed) return;
      server.start(clients.commands());
      channels.start(() => clients.once());
      await waiting.until(() => isSettled(problemOf()));
      refuseFatal(name, problemOf());
    },
    close() {
      isClosed = true;
      server.close();
      channels.close();
    },
  };
}

/** It is up, or will not be by itself. */
export const isSettled = (problem: string | undefined): boolean => problem === undefined || isFatal(problem);

export function refuseFatal(name: string, problem: string | undefined): void {
  if (problem !== undefined && isFatal(problem)) throw downError(`engine.redis: ${name}: ${problem}`);
}

/** Those who wait for something that is looked at whenever anything changes, and no longer than `timeout`. */
export function createWaiting(clock: Clock, timeout: number) {
  const looks = new Set<() => void>();
  return {
    look(): void {
      for (const look of looks) look();
    },
    until: (isSo: () => boolean) =>
      new Promise<void>((resolve) => {
        const finish = () => {
          timer.cancel();
          looks.delete(look);
          resolve();
        };
        const look = () => {
          if (isSo()) finish();
        };
        const timer = clock.after(timeout, finish);
        looks.add(look);
        look();
      }),
  };
}

/** Without what is secret in it. */
export function shownName(text: string): string {
  const { protocol, host, pathname } = new URL(text);
  return `${protocol}//${host}${pathname}`;
}
