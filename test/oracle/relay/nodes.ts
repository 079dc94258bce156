/** A relay on three nodes that share a Redis, which die, stop, stand still, and lose their way to it; on a network of the test's own. */
import type { RelayOptions } from "../../../src/config/kinds/relay.ts";
import type { Connection } from "../../../src/connection.ts";
import type { TestClock } from "../../clock.ts";
import { LEASE, type RelayNode, relayNodes } from "../../engines/redis/relay/relay-house.ts";
import { hooksOf } from "./hooks.ts";
import type { Seen } from "./house.ts";
import { createLine, type Line, type Served } from "./net.ts";

export interface NodesHouse {
  readonly clock: TestClock;
  line(name: string): Line;
  settle(): Promise<void>;
  /** SIGKILL; another one takes its place. */
  kill(node: number): Promise<void>;
  /** SIGTERM; another one takes its place. */
  stop(node: number): Promise<void>;
  /** SIGSTOP and SIGCONT. */
  freeze(node: number): void;
  thaw(node: number): Promise<void>;
  /** The way to Redis is gone, and there again. */
  cut(node: number): Promise<void>;
  mend(node: number): Promise<void>;
  /** Whether all run and reach Redis. */
  isWhole(): boolean;
  isConnected(line: string | undefined): boolean;
  end(): Promise<void>;
}

export const NODES = 3;
/** Longer than any dead node keeps anything. */
export const LAST_LEASE_MS = 2 * LEASE;

interface Slot {
  node: RelayNode;
  readonly open: Map<Connection, string>;
  isFrozen: boolean;
  isCut: boolean;
}

export async function openNodes(
  url: string,
  options: Partial<RelayOptions>,
  { sent, closed }: Seen,
): Promise<NodesHouse> {
  const house = relayNodes(url, options);
  const lines = new Map<string, Line>();
  /** The connection that a line uses. */
  const present = new Map<string, Connection>();
  const slots: Slot[] = [];
  let turn = 0;
  const begin = async (): Promise<Slot> => ({
    node: await house.node(),
    open: new Map(),
    isFrozen: false,
    isCut: false,
  });
  for (let n = 0; n < NODES; n += 1) slots.push(await begin());
  const slotOf = (node: number): Slot => {
    const slot = slots[node % NODES];
    if (slot === undefined) throw new Error(`no node ${node}`);
    return slot;
  };

  function serve(connection: Connection, protocols: readonly string[], line: string) {
    turn += 1;
    const ready = slots.filter(({ isFrozen }) => !isFrozen);
    const { node, open } = ready[turn % ready.length] ?? slotOf(turn);
    const { route } = node;
    open.set(connection, line);
    present.set(line, connection);
    const highWater = options.slow?.highWater ?? 0;
    const served: Served = {
      ...hooksOf(route, connection, protocols, { highWater, clock: house.clock }),
      close(info) {
        open.delete(connection);
        closed(info);
        route.close(connection, info);
      },
    };
    return { served, protocol: protocols[0] ?? "" };
  }

  async function thaw(slot: Slot): Promise<void> {
    if (!slot.isFrozen) return;
    slot.isFrozen = false;
    slot.node.thaw();
    await house.rest();
  }

  async function mend(slot: Slot): Promise<void> {
    if (!slot.isCut) return;
    slot.isCut = false;
    await slot.node.mend();
    await house.rest();
  }

  /** Connections to Redis are made anew in real time. */
  async function settle(): Promise<void> {
    await house.rest();
    for (const { node, isFrozen, isCut } of slots) {
      if (isFrozen || isCut || node.homes.problem === undefined) continue;
      await node.mend();
      await house.rest();
    }
  }

  async function stop(node: number): Promise<void> {
    const slot = slotOf(node);
    await thaw(slot);
    await mend(slot);
    for (const connection of [...slot.open.keys()])
      slot.node.route.finish?.(connection, 1012, "the gateway restarts");
    await house.rest();
    for (const connection of [...slot.open.keys()]) connection.terminate(1012, "");
    await house.rest();
    await slot.node.stop();
    slots[node % NODES] = await begin();
  }

  return {
    clock: house.clock,
    line(name) {
      const line = createLine(name, () => ({ serve, sent }));
      lines.set(name, line);
      return line;
    },
    settle,
    async kill(node) {
      const slot = slotOf(node);
      slot.node.die();
      slots[node % NODES] = await begin();
      for (const [connection, line] of slot.open)
        if (present.get(line) === connection) lines.get(line)?.cut(0, false);
    },
    stop,
    freeze(node) {
      const slot = slotOf(node);
      if (slot.isCut || slots.some(({ isFrozen }) => isFrozen)) return;
      slot.isFrozen = true;
      slot.node.freeze();
    },
    thaw: (node) => thaw(slotOf(node)),
    async cut(node) {
      const slot = slotOf(node);
      if (slot.isFrozen || slot.isCut) return;
      slot.isCut = true;
      await slot.node.cut();
    },
    mend: (node) => mend(slotOf(node)),
    isWhole: () => slots.every(({ isFrozen, isCut }) => !isFrozen && !isCut),
    isConnected: (line) => slots.some(({ open }) => [...open.values()].some((name) => name === line)),
    async end() {
      for (const slot of slots) {
        await thaw(slot);
        await mend(slot);
      }
      await house[Symbol.asyncDispose]();
    },
  };
}
