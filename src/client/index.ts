/** `fairlead/client`: the public door of the library. No dependencies; browsers, Node >= 22, Bun and Deno. */
export type { Delays } from "./backoff.ts";
export type { Asked } from "./callers.ts";
export type { ConversationOptions } from "./conversation.ts";
export { type ClientErrorCode, FairleadClientError } from "./errors.ts";
export type { SubscribeOptions, Subscription } from "./held.ts";
export type { Gap, Item, Member, Message, Position, Positions, PresenceItem } from "./items.ts";
export type { LinkOptions } from "./link.ts";
export { ReconnectingSocket, type SocketCloseEvent } from "./reconnecting-socket.ts";
export {
  type ConnectOptions,
  connect,
  type History,
  type HistoryOptions,
  type Published,
  type PublishOptions,
  type Session,
  type Waits,
} from "./session.ts";
export type { OpenStatus, Status } from "./status.ts";
export type { Clock } from "./timing.ts";
export type { Token } from "./token.ts";
export type { Ending, SendData, WebSocketConstructor, WebSocketLike } from "./web-socket-like.ts";
