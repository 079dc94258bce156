/** Revocations as they lie in Redis: added in batches, because a script holds up all others, and read page by page. Rejects with ENGINE_DOWN. */
import type { SharedRevocation } from "../../shared-revocations.ts";
import type { Homes } from "./homes.ts";
import { ADD, argsOf, BATCH, revocationOf, VERSION } from "./revocations-scripts.ts";

export interface RevocationStore {
  /** Changes are told here. */
  readonly channel: string;
  /** Another one with each change, and with each loss. */
  version(): Promise<string>;
  /** How many had no room among `max`. */
  add(several: readonly SharedRevocation[], max: number): Promise<number>;
  read(page: (several: readonly SharedRevocation[]) => void): Promise<void>;
}

const SCANNED = 1_000;

export function createStore(homes: Pick<Homes, "of" | "now">): RevocationStore {
  const home = homes.of("revocations", "");
  const all = `${home.base}:all`;
  const keys = [all, `${home.base}:version`];
  const channel = `${home.base}:told`;

  return {
    channel,
    version: async () => String(await home.run(VERSION, keys, [])),
    async add(several, max) {
      let refused = 0;
      for (let at = 0; at < several.length; at += BATCH) {
        const now = homes.now();
        const args = [now, max, channel, ...argsOf(several.slice(at, at + BATCH), now)];
        refused += Number(await home.run(ADD, keys, args));
      }
      return refused;
    },
    async read(page) {
      let cursor = "0";
      do {
        const [next, found] = scanOf(await home.server.call("HSCAN", [all, cursor, "COUNT", SCANNED]));
        const now = homes.now();
        page(found.flatMap(([name, entry]) => revocationOf(name, entry, now) ?? []));
        cursor = next;
      } while (cursor !== "0");
    },
  };
}

/** Cursor, then names and entries in turns. */
function scanOf(answer: unknown): [next: string, found: [name: string, entry: string][]] {
  const [next, flat] = Array.isArray(answer) ? answer : [];
  const texts = Array.isArray(flat) ? flat.map(String) : [];
  const found: [string, string][] = [];
  for (let at = 0; at + 1 < texts.length; at += 2) found.push([texts[at] ?? "", texts[at + 1] ?? ""]);
  return [typeof next === "string" ? next : "0", found];
}
