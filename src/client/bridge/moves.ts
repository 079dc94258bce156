/**
 * Where a stream is asked for: at the address that the application gave, or at the node that a gateway has named (close 4011), under the same
 * path and query. Limits: MAX_MOVES in a row without a connection that carries the stream; only ws and wss, and nothing without TLS once there
 * was TLS. Failure: what cannot be followed, or leads nowhere, is a loss like any other, and the next attempt goes to the first address.
 */
import type { Ending } from "../web-socket-like.ts";

const MOVED = 4011;
/** One is enough where gateways agree with each other. */
const MAX_MOVES = 4;

export interface Moves {
  /** Makes of the address that the application gave the one to dial. */
  lead(url: URL): void;
  /** The connection carries the stream. */
  carried(): void;
  /** Of the connection that has ended. True: the stream is to be asked for elsewhere, at once. */
  follow(ending: Ending): boolean;
}

export function planMoves(may = true): Moves {
  let there: URL | undefined;
  let moves = 0;
  let isCarried = false;
  let isSecure = false;
  return {
    lead(url) {
      // All but the address is the application's.
      if (there) for (const part of ["protocol", "hostname", "port"] as const) url[part] = there[part];
      isSecure = /^(https|wss):/.test(url.protocol);
    },
    carried() {
      isCarried = true;
      moves = 0;
    },
    follow({ code, reason }) {
      const next = may && code === MOVED && moves < MAX_MOVES ? nodeAt(reason, isSecure) : undefined;
      if (next) moves++;
      else if (!isCarried) moves = 0;
      if (next || !isCarried) there = next;
      isCarried = false;
      return next !== undefined;
    },
  };
}

function nodeAt(text: string, isSecure: boolean): URL | undefined {
  if (!(isSecure ? /^wss:\/\//i : /^wss?:\/\//i).test(text)) return undefined;
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
