/** What a test sees of presence: who is there as the changes tell it, checked one by one. */
import type { Presence, Subscription } from "../../../src/engine.ts";

export const who = (conn: string) => ({ conn, user: null, info: null });

export interface View extends Subscription {
  readonly members: ReadonlySet<string>;
  /** `+a 1`: who joined or left, and how many there are then. */
  readonly told: readonly string[];
  /** Changes that changed nothing, or with a total that is not so. */
  readonly wrong: readonly string[];
  /** Resolves when they are all there. */
  has(...conns: readonly string[]): Promise<void>;
  /** Resolves when so many are there. */
  until(count: number): Promise<void>;
}

/** `known`: who is there when it begins. */
export function look(presence: Presence, topic: string, known: Iterable<string> = []): View {
  const members = new Set(known);
  const told: string[] = [];
  const wrong: string[] = [];
  const waiting = new Map<() => void, () => boolean>();
  const { close } = presence.watch(topic, ({ kind, member: { conn }, total }) => {
    const text = `${kind === "join" ? "+" : "-"}${conn} ${total}`;
    told.push(text);
    const isRight = kind === "join" ? !members.has(conn) : members.has(conn);
    if (kind === "join") members.add(conn);
    else members.delete(conn);
    if (!isRight || total !== members.size) wrong.push(text);
    for (const [run, isSo] of waiting) if (isSo()) run();
  });
  const when = (isSo: () => boolean) =>
    new Promise<void>((done) => {
      if (isSo()) done();
      else waiting.set(done, isSo);
    });
  const until = (count: number) => when(() => members.size === count);
  const has = (...conns: readonly string[]) => when(() => conns.every((conn) => members.has(conn)));
  return { members, told, wrong, has, until, close };
}

export async function conns(presence: Presence, topic: string): Promise<string[]> {
  return (await presence.list(topic, { limit: 100_000 })).members.map(({ conn }) => conn);
}
