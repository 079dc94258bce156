/** How long a connection has been there and not been ready, in ms; undefined: there is none, or it is. The library asks the server first, and waits without an end. */
import type { Redis } from "ioredis";
import type { Clock } from "../../clock.ts";

export function watchHalfMade(client: Redis, clock: Clock): () => number | undefined {
  let since: number | undefined;
  const over = () => {
    since = undefined;
  };
  client.on("connect", () => {
    since = clock.now();
  });
  client.on("ready", over);
  client.on("close", over);
  return () => (since === undefined ? undefined : clock.now() - since);
}
