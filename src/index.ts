/** The public door of the gateway. Everything else in the package may change without notice. */
export { defineConfig } from "./config/define.ts";
export type {
  BridgeOptions,
  Config,
  ConfigInput,
  EchoOptions,
  FeedOptions,
  HookConnection,
  RelayOptions,
  RoomOptions,
  RouteOptions,
  Source,
  SourceMessage,
} from "./config/schema.ts";
export type { CloseInfo } from "./connection.ts";
export type { ErrorCode } from "./errors.ts";
export { FairleadError } from "./errors.ts";
export type { Gateway, GatewayParts } from "./gateway.ts";
export { createGateway } from "./gateway.ts";
export type { Log, LogFields } from "./log.ts";
