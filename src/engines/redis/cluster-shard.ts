/**
 * A Redis Cluster: a connection for scripts to each master, and one for pub/sub to any node, which hears what is published anywhere.
 *
 * Which master has which slot is asked of the nodes in turn: again at once when one of them answers that it has a slot no more, every
 * RETRY_MS while anything is wrong, and every REFRESH_MS in any case. Of two answers the one with the larger epoch of the Cluster counts;
 * an older one comes from a node that was cut off. Failure: slots whose master is down, or not known, fail alone.
 */
import { randomInt } from "node:crypto";
import type { Timer } from "../../clock.ts";
import { type Channels, createChannels } from "./channels.ts";
import { type Address, addressOf, type Clients, loadClients, shownAddress } from "./clients.ts";
import { askCluster, type Master } from "./cluster-ask.ts";
import { type ClusterMap, SLOTS, slotOf } from "./cluster-map.ts";
import { createServer, type Server } from "./server.ts";
import { reasonOf } from "./server-about.ts";
import { createWaiting, isSettled, refuseFatal, type Shard, type ShardOptions, shownName } from "./shard.ts";

const REFRESH_MS = 10_000;
const RETRY_MS = 250;
/** Between two that are asked for at once. */
const SOON_MS = 50;
/** So many older answers one after another: the Cluster was made anew. */
const OLDER = 20;
const UNNAMED = 3;
const NO_MAP = "the slots of the Cluster are not known yet";

interface State {
  readonly deps: ShardOptions;
  readonly seeds: readonly Address[];
  readonly channels: Channels;
  readonly waiting: ReturnType<typeof createWaiting>;
  /** By shown address. */
  readonly masters: Map<string, Master>;
  /** By slot. */
  owners: readonly (Server | undefined)[];
  clients: Clients | undefined;
  map: ClusterMap | undefined;
  /** Why there is no map. */
  problem: string | undefined;
  turn: number;
  /** Answers that were older than what is known, one after another. */
  older: number;
  learnedAt: number;
  isLearning: boolean;
  planned: { readonly at: number; readonly timer: Timer } | undefined;
  /** The node of the pub/sub connection. */
  heardFrom: string | undefined;
  /** Maps without it, one after another. */
  unnamed: number;
  skew: number | undefined;
  isClosed: boolean;
}

/** `urls`: of any of its nodes. */
export function createClusterShard(urls: readonly string[], deps: ShardOptions): Shard {
  const { timeout } = deps.options;
  const name = urls.map(shownName).join(" ");
  const slots = new Map<string, number>();
  const state: State = {
    deps,
    seeds: urls.map(addressOf),
    channels: createChannels({ ...deps, timeout, onChange: () => changed(state, state.channels.isUp) }),
    waiting: createWaiting(deps.clock, timeout),
    masters: new Map(),
    owners: [],
    clients: undefined,
    map: undefined,
    problem: NO_MAP,
    turn: randomInt(SLOTS),
    older: 0,
    learnedAt: Number.NEGATIVE_INFINITY,
    isLearning: false,
    planned: undefined,
    heardFrom: undefined,
    unnamed: 0,
    skew: undefined,
    isClosed: false,
  };

  return {
    get problem() {
      return problemOf(state);
    },
    name,
    get skew() {
      return state.skew;
    },
    channels: state.channels,
    serverOf(base) {
      const slot = slots.get(base) ?? slotOf(base);
      slots.set(base, slot);
      const owner = state.owners[slot];
      if (owner === undefined) refresh(state);
      return owner;
    },
    async start() {
      const clients = await loadClients(urls, deps.options);
      if (state.isClosed) return;
      state.clients = clients;
      void learn(state);
      await state.waiting.until(() => isSettled(problemOf(state)));
      refuseFatal(name, problemOf(state));
    },
    close() {
      state.isClosed = true;
      state.planned?.timer.cancel();
      for (const { server } of state.masters.values()) server.close();
      state.channels.close();
    },
  };
}

function problemOf(state: State): string | undefined {
  const hears = state.channels.isUp ? undefined : "there is no connection for pub/sub";
  return state.problem ?? problemOfMasters(state) ?? hears;
}

function problemOfMasters({ masters }: State): string | undefined {
  const ill = [...masters].filter(([, { server }]) => server.problem !== undefined);
  return ill.length === 0 ? undefined : ill.map(([at, { server }]) => `${at}: ${server.problem}`).join("; ");
}

function changed(state: State, isUp: boolean): void {
  if (state.isClosed) return;
  if (!isUp) plan(state, RETRY_MS);
  else if (state.channels.isUp) state.deps.onUp();
  state.waiting.look();
}

/** Another node at each attempt. */
function hearAny(state: State, clients: Clients, attempt: number) {
  const members = [...(state.map?.members.values() ?? [])];
  const address = members[(state.turn + attempt) % members.length];
  state.heardFrom = address && shownAddress(address);
  state.unnamed = 0;
  return clients.once(address);
}

/** A node that left the Cluster may live on by itself, and bring nothing. One that has just come may not be known to all. */
function leaveStranger(state: State, { members }: ClusterMap): void {
  state.unnamed = members.has(state.heardFrom ?? "") ? 0 : state.unnamed + 1;
  if (state.unnamed >= UNNAMED) state.channels.leave();
}

async function learn(state: State): Promise<void> {
  const { deps, clients } = state;
  if (clients === undefined || state.isLearning || state.isClosed) return;
  state.isLearning = true;
  state.turn += 1;
  try {
    const others = [...(state.map?.members.values() ?? []), ...state.seeds];
    const options = { clients, timeout: deps.options.timeout, clock: deps.clock };
    const told = await askCluster(state.turn, [...state.masters.values()], others, options);
    if (!state.isClosed && isNews(state, told)) take(state, told, clients);
  } catch (error) {
    // With a map there are masters, which say what is wrong with them.
    if (state.map === undefined) state.problem = reasonOf(error) ?? NO_MAP;
  } finally {
    state.isLearning = false;
    state.learnedAt = deps.clock.now();
    const isWhole = state.owners.length === SLOTS && !state.owners.includes(undefined);
    plan(state, isWhole && problemOfMasters(state) === undefined ? REFRESH_MS : RETRY_MS);
    state.waiting.look();
  }
}

function isNews(state: State, told: ClusterMap): boolean {
  const { map } = state;
  const isOlder = told.ranges.length === 0 || told.epoch < (map?.epoch ?? 0);
  state.older = isOlder ? state.older + 1 : 0;
  return map === undefined || !isOlder || state.older >= OLDER;
}

function take(state: State, told: ClusterMap, clients: Clients): void {
  const { masters, owners: before } = state;
  const owners = new Array<Server | undefined>(SLOTS).fill(undefined);
  for (const { from, to, master } of told.ranges) {
    const address = told.members.get(master);
    if (address === undefined) continue;
    const { server } = masters.get(master) ?? open(state, address, clients);
    owners.fill(server, from, to + 1);
  }
  state.map = told;
  state.owners = owners;
  state.problem = told.ranges.length === 0 ? "no node of the Cluster has slots" : undefined;
  const wanted = new Set(owners);
  for (const [at, { server }] of masters) {
    if (wanted.has(server)) continue;
    masters.delete(at);
    server.close();
  }
  if (state.heardFrom === undefined) state.channels.start((attempt) => hearAny(state, clients, attempt));
  else leaveStranger(state, told);
  if (owners.some((owner, slot) => owner !== before[slot])) changed(state, true);
}

function open(state: State, address: Address, clients: Clients): Master {
  const name = shownAddress(address);
  const server = createServer({
    ...state.deps,
    name,
    timeout: state.deps.options.timeout,
    mode: "cluster",
    onChange() {
      state.skew = server.skew ?? state.skew;
      changed(state, server.problem === undefined);
    },
    onMoved: () => refresh(state),
  });
  const master = { address, server };
  state.masters.set(name, master);
  server.start(clients.commands(address));
  return master;
}

/** The earliest of all plans counts. */
function plan(state: State, ms: number): void {
  const { clock } = state.deps;
  const at = clock.now() + ms;
  if (state.isClosed || (state.planned !== undefined && state.planned.at <= at)) return;
  state.planned?.timer.cancel();
  const timer = clock.after(ms, () => {
    state.planned = undefined;
    void learn(state);
  });
  state.planned = { at, timer };
}

function refresh(state: State): void {
  plan(state, Math.max(0, state.learnedAt + SOON_MS - state.deps.clock.now()));
}
