/**
 * What a client asks of a stream in its URL: `ROUTE`, or `ROUTE?sid=SID&ack=N` to go on; the SSH form says the same as
 * `ROUTE/v4/connect` and `ROUTE/v4/reconnect?sid=SID&ack=N`. Pure. A sid is a secret: nothing of it goes into a text.
 */
import type { Target } from "../../config/target.ts";
import { isSid } from "./sid.ts";

/** Paths of the SSH form, below the route's own. */
export const SSH_PATHS = { connect: "/v4/connect", reconnect: "/v4/reconnect" } as const;

export type StreamRequest =
  | { readonly type: "new" }
  | { readonly type: "resume"; readonly sid: string; readonly ack: number }
  | { readonly type: "bad"; readonly reason: string };

interface Asking {
  readonly path: string;
  readonly query: URLSearchParams;
}

const COUNT = /^\d{1,16}$/;

/** Whether a client at this path speaks frames, which a service must not get as bytes. */
export function isOfSshForm(path: string): boolean {
  return Object.values(SSH_PATHS).some((end) => path.endsWith(end));
}

/**
 * Whether a client of the SSH form names, as that form does, another address than the one it would get. It speaks to whoever it has named,
 * so it must not be joined to anybody else.
 */
export function asksElsewhere({ path, query }: Asking, target: Target): boolean {
  if (!path.endsWith(SSH_PATHS.connect)) return false;
  const [host, port] = [query.get("host"), query.get("port")];
  const address = "hostname" in target ? target : undefined;
  return (host !== null && host !== address?.hostname) || (port !== null && Number(port) !== address?.port);
}

/** `path`: as it stands in the URL. */
export function readStreamRequest(path: string, query: URLSearchParams): StreamRequest {
  const [sid, ack] = [query.get("sid"), query.get("ack")];
  const isNew = sid === null && ack === null && !path.endsWith(SSH_PATHS.reconnect);
  if (isNew || path.endsWith(SSH_PATHS.connect)) return { type: "new" };
  if (sid === null || !isSid(sid)) return { type: "bad", reason: "sid must be the one of CONNECT_SUCCESS" };
  const count = ack !== null && COUNT.test(ack) ? Number(ack) : Number.NaN;
  if (!Number.isSafeInteger(count))
    return { type: "bad", reason: "ack must be a count of bytes up to 2^53 - 1" };
  return { type: "resume", sid, ack: count };
}
