/**
 * Closed loops: a lane sends a burst, waits for everything it causes, sends the next. Count-based, so that a slow server gets
 * less to do instead of a queue. How long each burst took is the latency.
 */
import type { Client } from "./client.ts";

/** `units` are what the row counts: messages, deliveries, megabytes. */
export interface Load {
  /**
   * Sends about so much (whole bursts, one per lane at least) and waits until all of it came back. Resolves to what it was
   * really; rejects when a connection is lost. `times` gets milliseconds.
   */
  run(units: number, times: number[]): Promise<number>;
  end(): void;
}

export interface Lane {
  readonly sender: Client;
  /** What is written at once, made anew each time where it must differ. */
  burst(): Uint8Array;
  /** Everybody who gets something of it, the sender too if it does. */
  readonly receivers: readonly Client[];
  /** Frames that one burst causes, at all receivers together. */
  readonly frames: number;
}

export function closedLoop(lanes: readonly Lane[], unitsPerBurst: number): Load {
  let left = 0;
  let underWay = 0;
  let times: number[] = [];
  let round = Promise.withResolvers<void>();
  const starts = lanes.map((lane) => {
    let came = 0;
    let began = 0;
    let isUnderWay = false;
    const start = () => {
      if (left === 0) return;
      left--;
      isUnderWay = true;
      underWay++;
      began = performance.now();
      lane.sender.write(lane.burst());
    };
    for (const receiver of lane.receivers) {
      let seen = receiver.counter.frames;
      receiver.onLost = () => round.reject(new Error("the server ended a connection"));
      receiver.onRead = () => {
        came += receiver.counter.frames - seen;
        seen = receiver.counter.frames;
        // A server may say something of its own in between.
        if (!isUnderWay) came = 0;
        if (!isUnderWay || came < lane.frames) return;
        came -= lane.frames;
        isUnderWay = false;
        times.push(performance.now() - began);
        underWay--;
        start();
        if (underWay === 0) round.resolve();
      };
    }
    return start;
  });
  return {
    async run(units, into) {
      const bursts = Math.max(lanes.length, Math.round(units / unitsPerBurst));
      left = bursts;
      times = into;
      round = Promise.withResolvers();
      for (const start of starts) start();
      await round.promise;
      return bursts * unitsPerBurst;
    },
    end: () => {
      for (const lane of lanes) for (const client of [lane.sender, ...lane.receivers]) client.end();
    },
  };
}
