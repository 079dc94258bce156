/** `fairlead/client`: the public door of the library. No dependencies; browsers, Node >= 22, Bun and Deno. */
export type { Delays } from "./backoff.ts";
export { type ClientErrorCode, FairleadClientError } from "./errors.ts";
export type { LinkOptions } from "./link.ts";
export { type Asked, ReconnectingSocket, type SocketCloseEvent } from "./reconnecting-socket.ts";
export type { Clock } from "./timing.ts";
export type { Ending, SendData, WebSocketConstructor, WebSocketLike } from "./web-socket-like.ts";
