/** What goes on at one route, and what its books must say. */
import type { Metrics } from "./metrics.ts";

/** One client, or two who belong together. */
export interface Visit {
  /** Says something; called every `period` of its station. */
  say(): void;
  /** Resolves when the connection has ended. */
  leave(): Promise<void>;
}

/** What clients counted beside what the gateway did. */
export interface Account {
  readonly what: string;
  readonly clients: number;
  readonly gateway: number;
  /** `at most`: what was on its way to somebody who cut the connection is lost between the two. */
  readonly rule: "equal" | "at most";
}

export interface Station {
  readonly name: string;
  /** Clients in one visit. */
  readonly clients: number;
  /** Visits at a time, of a crowd of 2,000 clients. */
  readonly visits: number;
  /** ms between two things that one visit says. */
  readonly period: number;
  /** `fault`: something happened to the visit that must not. */
  join(fault: (text: string) => void): Promise<Visit>;
  /** What must agree while nobody says anything. */
  accounts(metrics: Metrics): Account[];
}
