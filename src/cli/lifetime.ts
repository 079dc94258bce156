/**
 * A server that ends by itself: after one connection, after a while, or when nobody was there for a while. It learns of connections by the
 * hooks of the routes, beside those that a config has.
 */
import type { Clock, Timer } from "../clock.ts";
import type { Config } from "../config/schema.ts";

export interface Lifetime {
  /** Ends when the first connection has ended. */
  readonly once: boolean;
  /** Milliseconds from the start; then it ends as soon as nobody is connected. 0 = never. */
  readonly timeout: number;
  /** Milliseconds without a connection. 0 = never. */
  readonly idle: number;
}

/** The same config, watched; `over` resolves with the reason for the end, or never. */
export function withLifetime(
  config: Config,
  { once, timeout, idle }: Lifetime,
  clock: Clock,
): { readonly config: Config; readonly over: Promise<string> } {
  const { promise: over, resolve } = Promise.withResolvers<string>();
  let open = 0;
  let isLate = false;
  let alone: Timer | undefined;
  const wait = () => {
    if (idle > 0) alone = clock.after(idle, () => resolve(`nobody was connected for ${idle / 1_000} s`));
  };
  const late = () => {
    isLate = true;
    if (open === 0) resolve(`${timeout / 1_000} s are over`);
  };
  const came = () => {
    open += 1;
    alone?.cancel();
  };
  const went = () => {
    open -= 1;
    if (once) resolve("its one connection has ended");
    if (isLate) late();
    if (open === 0) wait();
  };
  wait();
  if (timeout > 0) clock.after(timeout, late);
  const routes = Object.entries(config.routes).map(
    ([path, route]) => [path, watched(route, came, went)] as const,
  );
  return { config: { ...config, routes: Object.fromEntries(routes) }, over };
}

function watched<R extends Config["routes"][string]>(route: R, came: () => void, went: () => void): R {
  return {
    ...route,
    onOpen(connection) {
      came();
      route.onOpen?.(connection);
    },
    onClose(connection, info) {
      went();
      route.onClose?.(connection, info);
    },
  };
}
