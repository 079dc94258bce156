/** The public door of the gateway. Everything else in the package may change without notice. */
export { defineConfig } from "./config/define.ts";
export type { BridgeOptions } from "./config/kinds/bridge.ts";
export type { EchoOptions } from "./config/kinds/echo.ts";
export type { HookConnection } from "./config/kinds/every.ts";
export type { FeedOptions, Source, SourceMessage } from "./config/kinds/feed.ts";
export type { RelayOptions } from "./config/kinds/relay.ts";
export type { RoomOptions } from "./config/kinds/room.ts";
export type { Config, ConfigInput, RouteOptions } from "./config/schema.ts";
export type { CloseInfo } from "./connection.ts";
export type { ErrorCode } from "./errors.ts";
export { FairleadError } from "./errors.ts";
export type { Gateway, GatewayParts } from "./gateway.ts";
export { createGateway } from "./gateway.ts";
export type { Log, LogFields } from "./log.ts";
