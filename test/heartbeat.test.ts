import { beforeEach, describe, expect, test } from "bun:test";
import { createHeartbeat, type HeartbeatOptions, type Peer } from "../src/heartbeat.ts";
import { testClock } from "./clock.ts";

type Clock = ReturnType<typeof testClock>;

interface FakePeer extends Peer {
  queued: number;
  isUnread: boolean;
  readonly events: string[];
}

function fakePeer(clock: Clock): FakePeer {
  const events: string[] = [];
  const at = () => clock.now() - 1_000_000;
  return {
    heard: false,
    drained: false,
    pingedAt: 0,
    waitingSince: 0,
    stalledSince: 0,
    queued: 0,
    isUnread: false,
    events,
    buffered() {
      return this.queued;
    },
    ping: () => void events.push(`ping ${at()}`),
    close: (code) => void events.push(`close ${code} ${at()}`),
    terminate: (code) => void events.push(`terminate ${code} ${at()}`),
  };
}

/** When the first event of a kind came, in ms since the start. */
const timeOf = (peer: FakePeer, kind: string) =>
  Number(
    peer.events
      .find((event) => event.startsWith(kind))
      ?.split(" ")
      .at(-1),
  );

describe("heartbeat", () => {
  let clock: Clock;
  let peer: FakePeer;
  const start = (options: Partial<HeartbeatOptions> = {}) => {
    const heartbeat = createHeartbeat(clock, { ping: 25_000, pong: 10_000, stall: 10_000, ...options });
    heartbeat.add(peer);
    return heartbeat;
  };
  beforeEach(() => {
    clock = testClock();
    peer = fakePeer(clock);
  });

  test("pings every period, within a second of its time", () => {
    start({ pong: 0 });
    clock.advance(120_000);
    const times = peer.events.map((event) => Number(event.split(" ")[1]));
    expect(times.length).toBeGreaterThanOrEqual(4);
    for (const [index, time] of times.entries()) {
      const gap = time - (times[index - 1] ?? 0);
      expect(gap).toBeGreaterThanOrEqual(25_000);
      expect(gap).toBeLessThanOrEqual(26_000);
    }
  });

  test("closes with 4008 if no pong comes within the deadline, never before", () => {
    start();
    clock.advance(60_000);
    const waited = timeOf(peer, "close 4008") - timeOf(peer, "ping");
    expect(waited).toBeGreaterThanOrEqual(10_000);
    expect(waited).toBeLessThanOrEqual(11_000);
  });

  test("keeps a peer that answers each ping", () => {
    start();
    peer.ping = () => {
      peer.heard = true;
    };
    clock.advance(600_000);
    expect(peer.events).toEqual([]);
  });

  test("suspends the pong deadline while we do not read from the peer, and runs it afterwards", () => {
    start();
    peer.isUnread = true;
    clock.advance(300_000);
    expect(timeOf(peer, "close")).toBeNaN();
    peer.isUnread = false;
    clock.advance(60_000);
    expect(timeOf(peer, "close 4008")).toBeGreaterThan(300_000);
  });

  test("suspends the pong deadline while something waits for the peer", () => {
    start({ stall: 0 });
    peer.queued = 10;
    clock.advance(300_000);
    expect(peer.events).toEqual([]);
  });

  test("cuts a peer with 1013 if it takes nothing of its queue for the stall time", () => {
    start();
    peer.queued = 100;
    clock.advance(20_000);
    expect(timeOf(peer, "terminate 1013")).toBeGreaterThanOrEqual(10_000);
    expect(timeOf(peer, "terminate 1013")).toBeLessThanOrEqual(12_000);
  });

  test("does not cut a peer whose queue shrinks now and then, however slowly", () => {
    start();
    peer.queued = 100;
    clock.every(9_000, () => {
      peer.drained = true;
    });
    clock.advance(300_000);
    expect(peer.events).toEqual([]);
  });

  test("begins the stall time anew when the queue has been empty in between", () => {
    start();
    peer.queued = 100;
    clock.advance(8_000);
    peer.queued = 0;
    clock.advance(2_000);
    peer.queued = 100;
    clock.advance(9_000);
    expect(peer.events).toEqual([]);
  });

  test("is switched off by zeros, without a timer", () => {
    start({ ping: 0, pong: 0, stall: 0 });
    expect(clock.pending).toBe(0);
  });

  test("runs no timer while there are no peers", () => {
    const heartbeat = start();
    expect(clock.pending).toBe(1);
    heartbeat.remove(peer);
    heartbeat.remove(peer);
    expect(clock.pending).toBe(0);
  });

  test("visits every peer once a round, however many there are", () => {
    const heartbeat = start({ ping: 1_000, pong: 0 });
    const peers = Array.from({ length: 100 }, () => fakePeer(clock));
    for (const each of peers) heartbeat.add(each);
    clock.advance(1_250);
    expect(peers.filter((each) => each.events.length === 1)).toHaveLength(100);
  });
});
