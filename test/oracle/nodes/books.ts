/**
 * What was published on all nodes, as answers and readers tell it: a position has one message, a message one position in an epoch, and what was
 * answered is there. A new epoch begins only where data was lost.
 */
import type { Position } from "../../../src/wire/v1.ts";
import { createTopicLog, type TopicLog } from "../../stream-check.ts";
import { gist } from "../socket-reader.ts";

/** `refused`: the server said that nothing happened. `unknown`: nobody said anything. */
export type Fate =
  | { readonly kind: "said"; readonly position: Position }
  | { readonly kind: "refused"; readonly code: string }
  | { readonly kind: "unknown" };

export interface Books extends TopicLog {
  /** A text that nobody has published yet. */
  next(size: number): string;
  /** How a publish ended. */
  ended(text: string, fate: Fate): void;
  /** Where it was seen or said to be, newest epoch last. */
  placesOf(text: string): readonly Position[];
  /** Holds all that was answered against a topic's whole history in its present epoch. Throws. */
  settle(epoch: string, history: readonly { readonly offset: number; readonly data: string }[]): void;
  readonly epochs: ReadonlySet<string>;
  readonly fates: Readonly<Record<string, number>>;
}

export function createBooks(): Books {
  const log = createTopicLog();
  const places = new Map<string, Position[]>();
  const said = new Map<string, Position>();
  const refused = new Map<string, string>();
  const epochs = new Set<string>();
  const fates: Record<string, number> = {};
  let count = 0;

  function see({ epoch, offset }: Position, data: unknown): void {
    log.see({ epoch, offset }, data);
    epochs.add(epoch);
    const known = places.get(String(data)) ?? [];
    const same = known.find((each) => each.epoch === epoch);
    if (same === undefined) places.set(String(data), [...known, { epoch, offset }]);
    else if (same.offset !== offset)
      throw new Error(`${data} is there twice: at ${offset} and at ${JSON.stringify(same)}`);
  }

  return {
    see,
    has: (position) => log.has(position),
    next(size) {
      count += 1;
      return `${count}`.padEnd(size, ".");
    },
    ended(text, fate) {
      const what = fate.kind === "refused" ? fate.code : fate.kind;
      fates[what] = (fates[what] ?? 0) + 1;
      if (fate.kind === "refused") refused.set(gist(text), fate.code);
      if (fate.kind !== "said") return;
      see(fate.position, gist(text));
      said.set(gist(text), fate.position);
    },
    placesOf: (text) => places.get(gist(text)) ?? [],
    settle(epoch, history) {
      const held = new Map(history.map(({ offset, data }) => [offset, gist(data)]));
      for (const [offset, data] of held) see({ epoch, offset }, data);
      for (const [text, { offset, ...at }] of said)
        if (at.epoch === epoch && held.get(offset) !== text)
          throw new Error(`${text} was answered with ${offset} of ${epoch}, where ${held.get(offset)} is`);
      const offsets = [...held.keys()];
      for (const [i, offset] of offsets.entries())
        if (offset !== i + 1) throw new Error(`the history of ${epoch} has ${offset} as its ${i + 1}th`);
      for (const [text, code] of refused)
        if (places.has(text)) throw new Error(`${text} was refused with ${code}, and is there`);
    },
    epochs,
    fates,
  };
}
