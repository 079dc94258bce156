import { beforeEach, describe, expect, test } from "bun:test";
import type { Data } from "../../src/connection.ts";
import type { Message } from "../../src/engine.ts";
import { createRouteCounters, type RouteCounters } from "../../src/metrics.ts";
import { Live } from "../../src/topics/live.ts";
import { createPlace, type Format, type Place } from "../../src/topics/place.ts";
import { type FakeConnection, openFake } from "../fake-connection.ts";

const MESSAGE: Message = {
  topic: "t",
  epoch: "e",
  offset: 7,
  time: 5,
  size: 2,
  data: "hi",
  json: false,
  conn: "nobody",
};
const FRAME = '{"t":"msg","topic":"t","offset":7,"time":5,"conn":"nobody","data":"hi"}';

describe("the readers who keep up", () => {
  let counters: RouteCounters;
  let published: { channel: string; data: Data; except: FakeConnection | undefined }[];
  let live: Live;

  beforeEach(() => {
    counters = createRouteCounters("/r", "room");
    published = [];
    const publisher = {
      publish(channel: string, data: Data, except?: unknown) {
        published.push({ channel, data, except: except as FakeConnection | undefined });
      },
    };
    live = new Live("t", { route: "/r", publisher, counters });
  });

  function join(format: Format, skipsOwn = false): Place & { connection: FakeConnection } {
    const connection = openFake({ open() {}, close() {}, message() {}, drain() {} } as never);
    const reader = {
      id: connection.id,
      format,
      connection,
      skipsOwn,
      send() {},
      buffered: () => 0,
      close() {},
    };
    const place = Object.assign(createPlace(reader), { connection });
    live.add(place);
    return place;
  }

  test("of each format are handed a message once, in their own words", () => {
    for (const format of ["plain", "plain", "v1", "v1", "v1"] as const) join(format);
    expect(live.deliver(MESSAGE)).toBe(FRAME.length);
    expect(published.map(({ channel, data }) => [channel, data])).toEqual([
      ["/r\0t", "hi"],
      ["/r\0t\0v1", FRAME],
    ]);
    expect(counters).toMatchObject({ due: 5, delivered: 5, sent: 5, sentBytes: 2 * 2 + 3 * FRAME.length });
  });

  test("cost nothing when there are none of a format", () => {
    join("plain");
    expect(live.deliver(MESSAGE)).toBe(2);
    expect(published).toHaveLength(1);
  });

  test("sit on the channel of their format, and leave it", () => {
    const place = join("v1");
    expect([...place.connection.channels]).toEqual(["/r\0t\0v1"]);
    live.remove(place);
    expect([place.isLive, place.connection.channels.size]).toEqual([false, 0]);
    live.deliver(MESSAGE);
    expect(published).toEqual([]);
  });

  test("are not sent their own message if they skip it, and are not counted", () => {
    const [own] = [join("plain", true), join("plain")];
    live.deliver({ ...MESSAGE, conn: own.connection.id });
    expect(published.map(({ except }) => except)).toEqual([own.connection]);
    expect(counters.due).toBe(1);
    live.remove(own);
    live.deliver({ ...MESSAGE, conn: own.connection.id });
    expect(published.at(-1)?.except).toBeUndefined();
  });

  test("who know offsets are told when these begin again", () => {
    join("plain");
    live.turnEpoch({ ...MESSAGE, epoch: "f", offset: 1 });
    expect(published).toEqual([]);
    join("v1");
    live.turnEpoch({ ...MESSAGE, epoch: "f", offset: 1 });
    expect(published.map(({ data }) => JSON.parse(String(data)))).toEqual([
      { t: "gap", topic: "t", epoch: "f", offset: 0, reason: "epoch" },
    ]);
  });
});
