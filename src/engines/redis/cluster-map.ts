/** What a Redis Cluster says of itself: which node has which slots. */
import { type Address, shownAddress } from "./clients.ts";

export interface ClusterMap {
  /** Grows with each change of masters and slots: of two maps the one with the larger is the newer. */
  readonly epoch: number;
  readonly ranges: readonly SlotRange[];
  /** All that serve, replicas too; by their shown address. */
  readonly members: ReadonlyMap<string, Address>;
}

export interface SlotRange {
  readonly from: number;
  readonly to: number;
  /** Shown address. */
  readonly master: string;
}

export const SLOTS = 16_384;

/** `slots`, `info`: answers to CLUSTER SLOTS and CLUSTER INFO of the node at `asked`. */
export function mapOf(slots: unknown, info: unknown, asked: Address): ClusterMap {
  const members = new Map<string, Address>();
  const ranges = listOf(slots).flatMap((row) => {
    const [from, to, ...nodes] = listOf(row);
    const [master] = nodes.map((node) => {
      const address = addressOf(node, asked);
      if (address !== undefined) members.set(shownAddress(address), address);
      return address;
    });
    return master === undefined ? [] : [{ from: Number(from), to: Number(to), master: shownAddress(master) }];
  });
  const epoch = Number(/^cluster_current_epoch:(\d+)/m.exec(String(info))?.[1] ?? 0);
  return { epoch, ranges, members };
}

/** [host, port, id, ...]. No host: the one that was asked; "?": it has a name that it does not know. */
function addressOf(node: unknown, asked: Address): Address | undefined {
  const [host, port] = listOf(node);
  if (host === "?") return undefined;
  const isNamed = typeof host === "string" && host !== "";
  return { host: isNamed ? host : asked.host, port: Number(port) };
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** CRC16 (XMODEM) of what stands between the braces, as the specification of Redis Cluster has it. */
export function slotOf(key: string): number {
  const tag = /\{([^}]+)\}/.exec(key)?.[1] ?? key;
  let crc = 0;
  for (const byte of Buffer.from(tag)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
    crc &= 0xffff;
  }
  return crc % SLOTS;
}
