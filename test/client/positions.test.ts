/** The vectors of positions, which other people's clients read too: the library gives the same messages and stands at the same place. */
import { expect, test } from "bun:test";
import type { Item, Position, SubscribeOptions } from "../../src/client/index.ts";
import { isPattern } from "../../src/wire/topic.ts";
import { readVectors } from "../vectors.ts";
import { type Fields, sessionHouse } from "./session-house.ts";

/**
 * What one subscription is told, in order: the answer to it, then events. `since`: where it stood before. Then which messages its
 * application is given, of which topics it is told that it lost something, and where it stands.
 */
interface PositionVector {
  readonly name: string;
  readonly since?: Readonly<Record<string, Position>>;
  readonly frames: readonly (Fields & { readonly sub?: Fields })[];
  readonly delivered: string[];
  readonly lost: string[];
  readonly positions: Readonly<Record<string, Position>>;
}

for (const { name, since, frames, ...expected } of readVectors<PositionVector>("positions")) {
  test(`after ${name}: what was given, what was lost, where it stands`, async () => {
    const [answer = {}, ...events] = frames;
    const { t: _, id: __, ...start } = answer.sub ?? answer;
    const topic = String(start["topic"]);
    const from = isPattern(topic) ? since : since?.[topic];

    const { session, welcome, ok, say } = sessionHouse();
    const items: Item[] = [];
    const options: SubscribeOptions = from === undefined ? {} : { since: from };
    void session.subscribe(topic, options).listen((item) => void items.push(item));
    await welcome();
    ok("sub", start);
    for (const event of events) say(event);

    const messages = items.filter((item) => item.type === "message");
    const gaps = items.filter((item) => item.type === "gap");
    expect({
      delivered: messages.map((item) => `${item.topic} ${item.offset}`),
      lost: gaps.map((item) => item.topic),
      positions: session.positions[topic] ?? {},
    }).toEqual(expected);
  });
}
