/**
 * The pub/sub connection to one Redis, or to any node of a Cluster. A channel is subscribed while somebody listens to it.
 *
 * What Redis sends while the connection is away is lost, and nobody is told: after each connection, once all channels are subscribed
 * again, `onChange` lets those who keep state look at it anew. A connection that died without a word is found by pings.
 */
import type { Redis } from "ioredis";
import type { Clock, Timer } from "../../clock.ts";
import type { Subscription } from "../../engine.ts";
import { createCalls } from "./calls.ts";
import { backoff } from "./clients.ts";
import { downError } from "./down.ts";
import { watchHalfMade } from "./half-made.ts";
import { createListeners, type Heard } from "./listeners.ts";

export interface Listening extends Subscription {
  /** It hears everything from now on. Rejects with ENGINE_DOWN; then it hears from the next time on that all is up. */
  readonly ready: Promise<void>;
}

export interface Channels {
  readonly isUp: boolean;
  listen(channel: string, heard: Heard): Listening;
  start(connect: (attempt: number) => Redis): void;
  /** The server that it is connected to is not the right one any more: connects again. */
  leave(): void;
  close(): void;
}

export interface ChannelsOptions {
  readonly timeout: number;
  readonly clock: Clock;
  readonly onChange: () => void;
  /** A listener that threw. MUST NOT throw. */
  readonly onThrow: (channel: string, error: unknown) => void;
}

const CHANNELS_PER_CALL = 1_000;
const LOOKS_PER_TIMEOUT = 4;

export function createChannels({ timeout, clock, onChange, onThrow }: ChannelsOptions): Channels {
  const calls = createCalls(clock);
  const listeners = createListeners(onThrow);
  let client: Redis | undefined;
  let halfMade: () => number | undefined = () => undefined;
  let isUp = false;
  let isClosed = false;
  let attempt = 0;
  let retry: Timer | undefined;
  let watch: Timer | undefined;
  let heardAt = 0;

  function open(connect: (attempt: number) => Redis): void {
    const opened = connect(attempt);
    client = opened;
    halfMade = watchHalfMade(opened, clock);
    opened.on("messageBuffer", (channel: Buffer, payload: Buffer) => {
      heardAt = clock.now();
      listeners.tell(channel.toString(), payload);
    });
    // `close` follows, and the command connection tells of it.
    opened.on("error", () => {});
    opened.on("close", () => lost(opened, connect));
    opened.on("ready", () => void begin(opened));
    opened.connect().catch(() => {});
  }

  async function begin(opened: Redis): Promise<void> {
    try {
      const subscribed = new Set<string>();
      const missing = () => listeners.channels.filter((name) => !subscribed.has(name));
      // Somebody may begin to listen meanwhile, and is told of nothing else.
      for (let names = missing(); names.length > 0; names = missing()) {
        const some = names.slice(0, CHANNELS_PER_CALL);
        await calls.within(opened.subscribe(...some));
        for (const name of some) subscribed.add(name);
      }
    } catch {
      opened.disconnect();
      return;
    }
    if (client !== opened || isClosed) return;
    attempt = 0;
    isUp = true;
    heardAt = clock.now();
    onChange();
  }

  function lost(old: Redis, connect: (attempt: number) => Redis): void {
    if (client !== old || isClosed) return;
    client = undefined;
    calls.refuse(downError("the connection to Redis was lost"));
    retry = clock.after(backoff(attempt), () => open(connect));
    attempt += 1;
    if (!isUp) return;
    isUp = false;
    onChange();
  }

  function look(): void {
    const { oldest } = calls;
    if (Math.max(oldest ?? 0, halfMade() ?? 0) >= timeout) client?.disconnect();
    else if (isUp && oldest === undefined && client !== undefined && clock.now() - heardAt >= timeout) {
      heardAt = clock.now();
      calls.within(client.ping()).catch(() => {});
    }
  }

  async function subscribe(channel: string): Promise<void> {
    if (!isUp || client === undefined) throw downError("Redis cannot be reached; try again later");
    try {
      await calls.within(client.subscribe(channel));
    } catch (cause) {
      throw downError("Redis did not take a subscription; try again later", cause);
    }
  }

  /** At once, before the connection says so: what is heard until then may come from the wrong server. */
  function leave(): void {
    isUp = false;
    client?.disconnect();
  }

  return {
    get isUp() {
      return isUp;
    },
    listen(channel, heard) {
      const letGo = listeners.add(channel, heard);
      const ready = subscribe(channel);
      // Nobody has to wait for it.
      ready.catch(() => {});
      const close = () => {
        if (letGo() && isUp) client?.unsubscribe(channel).catch(() => {});
      };
      return { ready, close };
    },
    start(connect) {
      watch = clock.every(timeout / LOOKS_PER_TIMEOUT, look);
      open(connect);
    },
    leave,
    close() {
      isClosed = true;
      retry?.cancel();
      watch?.cancel();
      listeners.clear();
      calls.refuse(downError("the engine is closed"));
      leave();
    },
  };
}
