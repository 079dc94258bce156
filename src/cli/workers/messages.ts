/**
 * What the process that watches and its workers say to each other, over the channel that the runtime gives to a child. Both are of one version,
 * so nothing is checked; a channel that is closed says that the other one is gone.
 */
import type { LoadOptions } from "../../config/load.ts";
import type { Config } from "../../config/schema.ts";
import type { ErrorCode } from "../../errors.ts";

/** What a worker is of the whole. */
export interface Share {
  /** From 1. */
  readonly worker: number;
  readonly of: number;
  /** Name of the whole; a worker's has its number behind it. */
  readonly node: string;
  readonly port: number;
  readonly plainPort: number | undefined;
  /** Its own, beside those that all share. */
  readonly workerPort: number | undefined;
  /** Bytes of all workers together; undefined: there is no mark. */
  readonly memory: number | undefined;
}

/** Where a config comes from that has functions, which no channel takes: each worker reads it for itself. */
export type Source = Omit<LoadOptions, "env">;

/** What one can be asked about. */
export type Topic = "metrics" | "notReady";

/** `text` undefined: there is nothing to say, which of readiness is good news. */
interface Answer {
  readonly id: number;
  readonly text: string | undefined;
}

export type ToWorker =
  | { readonly t: "begin"; readonly share: Share; readonly config: Config | Source; readonly version: string }
  | { readonly t: "stop" }
  /** Asks the worker about itself. */
  | { readonly t: "tell"; readonly id: number; readonly topic: Topic }
  /** To an `ask`. */
  | ({ readonly t: "answer" } & Answer);

export type FromWorker =
  | { readonly t: "listening"; readonly address: Address }
  /** It ends, and says why in one line. */
  | { readonly t: "failed"; readonly code: ErrorCode; readonly text: string }
  /** To a `tell`. */
  | ({ readonly t: "told" } & Answer)
  /** Asks about all. */
  | { readonly t: "ask"; readonly id: number; readonly topic: Topic };

export interface Address {
  readonly host: string;
  readonly port: number;
}
