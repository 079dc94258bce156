import { expect, test } from "bun:test";
import {
  afterGap,
  afterMessage,
  isLoss,
  isLostStart,
  isNewMessage,
  startPosition,
} from "../../src/wire/reader-position.ts";
import type { Gap, Position, Start } from "../../src/wire/v1.ts";
import { readVectors } from "../vectors.ts";

interface Told {
  readonly t: string;
  readonly sub?: Start & { readonly topic: string };
  readonly topic: string;
  readonly positions?: Readonly<Record<string, Start>>;
}

/**
 * What one subscription is told, in order. `since`: where it stood before. Then which messages its application is given, for which
 * topics it is told of a loss, and where it stands.
 */
interface PositionVector {
  readonly name: string;
  readonly since?: Readonly<Record<string, Position>>;
  readonly frames: readonly Told[];
  readonly delivered: readonly string[];
  readonly lost: readonly string[];
  readonly positions: Readonly<Record<string, Position>>;
}

function follow({ since = {}, frames }: PositionVector): Omit<PositionVector, "name" | "frames"> {
  const at = new Map(Object.entries(since));
  const delivered: string[] = [];
  const lost: string[] = [];

  function begin(topic: string, start: Start): void {
    if (isLostStart(at.get(topic), start)) lost.push(topic);
    at.set(topic, startPosition(at.get(topic), start));
  }

  function move(topic: string, position: Position | undefined): void {
    if (position !== undefined) at.set(topic, position);
  }

  function message(told: { readonly topic: string; readonly epoch?: string; readonly offset: number }): void {
    const { topic, offset } = told;
    if (!isNewMessage(at.get(topic), told)) return;
    delivered.push(`${topic} ${offset}`);
    move(topic, afterMessage(at.get(topic), told));
  }

  function gap(told: Gap): void {
    if (!isLoss(at.get(told.topic), told)) return;
    lost.push(told.topic);
    move(told.topic, afterGap(at.get(told.topic), told));
  }

  for (const told of frames) {
    if (told.t === "msg") message(told as Told & Position);
    else if (told.t === "gap") gap(told as Told & Gap);
    else if (told.sub !== undefined) begin(told.sub.topic, told.sub);
    else if (told.positions === undefined) begin(told.topic, told as Told & Start);
    else for (const [topic, start] of Object.entries(told.positions)) begin(topic, start);
  }
  return { delivered, lost, positions: Object.fromEntries(at) };
}

for (const vector of readVectors<PositionVector>("positions")) {
  test(`after ${vector.name}: what was given, what was lost, where it stands`, () => {
    const { delivered, lost, positions } = vector;
    expect(follow(vector)).toEqual({ delivered, lost, positions });
  });
}

test("a message of an epoch that nobody named is given, and leaves no position that could be sent back", () => {
  expect(isNewMessage(undefined, { offset: 7 })).toBe(true);
  expect(afterMessage(undefined, { offset: 7 })).toBeUndefined();
});
