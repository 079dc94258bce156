/**
 * The nodes of a system, by a registry in Redis (cluster.ts of the contract): a node renews its entry thrice a lease, and looks at all the
 * others in the same step. Who is not heard of for a lease is gone within a third of another one, and at once when it said goodbye.
 *
 * Failure: while Redis is away nobody joins, and nobody is given up; afterwards each has a lease to be heard of again. A registry that
 * was lost fills itself at the next renewal of each.
 */
import { randomBytes } from "node:crypto";
import type { Clock, Timer } from "../../clock.ts";
import type { Cluster, NodeReport } from "../../cluster.ts";
import { isEngineDown } from "../../errors.ts";
import type { Report } from "../in-process/down.ts";
import { entryOf, FIND, LEAVE, LOOK, lookOf } from "./cluster-scripts.ts";
import { createTalk, saidBy } from "./cluster-talk.ts";
import { createView, type Look } from "./cluster-view.ts";
import type { Homes } from "./homes.ts";
import type { Script } from "./script.ts";
import type { Arg } from "./server.ts";

export interface RedisCluster extends Cluster {
  /** Leaves the registry, so that others hear of it now. Idempotent, never rejects. */
  close(): Promise<void>;
}

export interface ClusterOptions {
  readonly homes: Pick<Homes, "of" | "now" | "stamp" | "onUp">;
  readonly clock: Clock;
  /** ms */
  readonly lease: number;
  readonly report: Report;
}

const ID_BYTES = 6;
const LOOKS_PER_LEASE = 3;
const GOODBYE = "-";

export function createCluster({ homes, clock, lease, report }: ClusterOptions): RedisCluster {
  const self = randomBytes(ID_BYTES).toString("base64url");
  const home = homes.of("cluster", "");
  const keys = [`${home.base}:nodes`];
  const talk = createTalk(self, home, report);
  const view = createView(self, lease);
  const listeners = new Set<(id: string) => void>();
  let own: (() => NodeReport) | undefined;
  let startedAt: number | undefined;
  /** What the clock of Redis shows more than the monotonic one here. */
  let ahead: number | undefined;
  let isRenewing = false;
  let isDue = false;
  let closing: Promise<void> | undefined;
  let timer: Timer | undefined;

  /** By the last answer, so a clock of this machine that is set anew changes nothing. */
  const now = () => (ahead === undefined ? homes.now() : Math.floor(clock.now() + ahead));

  async function ask(script: Script, args: readonly Arg[]): Promise<Look> {
    const look = lookOf(await home.run(script, keys, [homes.stamp(), ...args]));
    ahead = look.now - clock.now();
    return look;
  }

  async function look(entry: string): Promise<void> {
    const id = entry === "" ? "" : self;
    const found = await ask(LOOK, [view.sweepable(now()), id, entry]);
    if (closing === undefined) for (const gone of view.take(found)) tellGone(gone);
  }

  /** One after another, so behind a slow one nothing piles up. */
  async function renew(): Promise<void> {
    isDue = true;
    if (isRenewing) return;
    isRenewing = true;
    while (isDue && closing === undefined) {
      isDue = false;
      await renewOnce();
    }
    isRenewing = false;
  }

  async function renewOnce(): Promise<void> {
    try {
      startedAt ??= now();
      await look(own === undefined ? "" : entryOf(own(), startedAt));
    } catch (error) {
      // The link says that Redis is down, and it is tried again when it is up.
      if (!isEngineDown(error)) report({ stage: "announce", name: self, error });
    }
  }

  /** Looking begins with whoever wants to be seen, or to be told. */
  function begin(): void {
    if (timer !== undefined || closing !== undefined) return;
    timer = clock.every(lease / LOOKS_PER_LEASE, () => void renew());
    void renew();
  }

  function tellGone(id: string): void {
    for (const gone of [...listeners]) {
      try {
        if (listeners.has(gone)) gone(id);
      } catch (error) {
        report({ stage: "gone", name: id, error });
      }
    }
  }

  const up = homes.onUp(() => {
    if (timer !== undefined) void renew();
  });
  talk.hear(GOODBYE, (_body, from) => {
    if (view.left(from, now())) tellGone(from);
  });

  async function leave(): Promise<void> {
    timer?.cancel();
    up.close();
    listeners.clear();
    talk.close();
    if (own === undefined) return;
    const goodbye = saidBy(self, GOODBYE, "");
    // Whoever does not hear of it finds out when the lease has run out.
    await home.run(LEAVE, keys, [self, talk.channel, goodbye]).catch(() => {});
  }

  return {
    self,
    now,
    announce(said) {
      own = said;
      if (timer === undefined) begin();
      else void renew();
    },
    async nodes() {
      await look("");
      return view.living(now());
    },
    async find(id) {
      return view.find(id, await ask(FIND, [id]));
    },
    tell: talk.tell,
    hear: talk.hear,
    onGone(gone) {
      const told = (id: string) => gone(id);
      listeners.add(told);
      begin();
      return { close: () => void listeners.delete(told) };
    },
    close() {
      closing ??= leave();
      return closing;
    },
  };
}
