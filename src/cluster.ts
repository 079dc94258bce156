/**
 * Contract: the processes that share an engine, as they know each other. An engine of one process has none (`Engine.cluster` is absent).
 *
 * A node is in the registry while its lease runs, and it renews it. What nodes tell each other comes at most once: whoever must not
 * miss anything asks the engine too. Failure: a promise rejects with the FairleadError ENGINE_DOWN; nothing throws into its caller.
 */

/** What ends by itself never, and by this at once; without effect the second time. */
export interface Hearing {
  close(): void;
}

/** What a node says of itself at each renewal. */
export interface NodeReport {
  readonly name: string;
  /** The URL at which clients reach this very node; undefined: none is configured. */
  readonly advertise: string | undefined;
  readonly version: string;
  /** Hash of what must be the same on all nodes. */
  readonly config: string;
  /** Plain numbers by what they count: `connections`, ... */
  readonly load: Readonly<Record<string, number>>;
}

/** `id` is of this run: a node that comes back is another one. Times are unix milliseconds. */
export interface ClusterNode extends NodeReport {
  readonly id: string;
  readonly startedAt: number;
  /** When it renewed its lease: so old is its load. */
  readonly seenAt: number;
}

export interface Cluster {
  /** This node's id: eight of `[A-Za-z0-9_-]`, random for each run. */
  readonly self: string;
  /** Unix milliseconds as all nodes count them. */
  now(): number;
  /** From now on this node is in the registry, with what `report` says at each renewal. MUST be called once at most. */
  announce(report: () => NodeReport): void;
  /** Those whose lease runs, this one included. */
  nodes(): Promise<readonly ClusterNode[]>;
  /** Undefined: nobody of that id lives. */
  find(id: string): Promise<ClusterNode | undefined>;
  /** To every other node that can be reached now. */
  tell(kind: string, body: string): void;
  /** A `heard` that throws harms nobody else; the engine reports it. */
  hear(kind: string, heard: (body: string, from: string) => void): Hearing;
  /** A node left, or its lease ran out. Each node hears of each other one once. */
  onGone(gone: (id: string) => void): Hearing;
}
