/** One Redis with its two connections, for scripts and for pub/sub: up when both are. */
import type { Clock } from "../../clock.ts";
import type { RedisOptions } from "../../config/engine.ts";
import type { Log } from "../../log.ts";
import { type Channels, createChannels } from "./channels.ts";
import { loadClients } from "./clients.ts";
import { downError } from "./down.ts";
import { createServer, type Server } from "./server.ts";

export interface ShardOptions {
  readonly options: RedisOptions;
  readonly clock: Clock;
  readonly log: Pick<Log, "info" | "warn">;
  readonly fresh: () => string;
  readonly onChange: () => void;
  readonly onMoved: () => void;
  readonly onThrow: (channel: string, error: unknown) => void;
}

export interface Shard {
  readonly problem: string | undefined;
  readonly server: Server;
  readonly channels: Channels;
  /** Resolves when it is up, or after `timeout`. Rejects with ENGINE_DOWN for what only the operator can mend. */
  start(): Promise<void>;
  close(): void;
}

/** What does not get better by waiting. */
const FATAL = /^(?:WRONGPASS|NOAUTH|NOPERM|ERR (?:invalid|AUTH)|Redis \S+ is too old|maxmemory-policy)/;

/** `urls`: as `loadClients` takes them. */
export function createShard(urls: readonly string[], deps: ShardOptions): Shard {
  const { options, clock } = deps;
  const { timeout } = options;
  const waiting = new Set<() => void>();
  const onChange = () => {
    deps.onChange();
    for (const look of waiting) look();
  };
  const name = urls.map(shownName).join(" ");
  const server = createServer({ ...deps, name, timeout, onChange });
  const channels = createChannels({ ...deps, timeout, onChange });
  let isClosed = false;

  const problemOf = () =>
    server.problem ?? (channels.isUp ? undefined : "there is no connection for pub/sub");

  async function start(): Promise<void> {
    const clients = await loadClients(urls, options);
    if (isClosed) return;
    server.start(clients.commands());
    channels.start(clients.subscriber);
    await new Promise<void>((resolve) => {
      const finish = () => {
        timer.cancel();
        waiting.delete(look);
        resolve();
      };
      const look = () => {
        const problem = problemOf();
        if (problem === undefined || FATAL.test(problem)) finish();
      };
      const timer = clock.after(timeout, finish);
      waiting.add(look);
    });
    const problem = problemOf();
    if (problem !== undefined && FATAL.test(problem)) throw downError(`engine.redis: ${name}: ${problem}`);
  }

  return {
    get problem() {
      return problemOf();
    },
    server,
    channels,
    start,
    close() {
      isClosed = true;
      server.close();
      channels.close();
    },
  };
}

/** Without what is secret in it. */
function shownName(text: string): string {
  const { protocol, host, pathname } = new URL(text);
  return `${protocol}//${host}${pathname}`;
}
