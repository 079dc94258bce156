/** A pipe between a fake upstream and a fake connection, with a clock that the test moves. */
import { Pipe, type PipeOptions } from "../../src/bridge/pipe.ts";
import { createStage } from "../../src/bridge/stage.ts";
import { testClock } from "../clock.ts";
import { type FakeConnection, openFake } from "../fake-connection.ts";
import { fakeUpstream } from "./fake-upstream.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
export const RESET = new Error("ECONNRESET");

interface HouseOptions extends Partial<PipeOptions> {
  /** Bytes the target's kernel takes at first; default: all. */
  readonly room?: number;
}

/** A pipe before its client is there: `open` brings the client. */
export function pipeHouse({ room, ...options }: HouseOptions = {}) {
  const [clock, stage, upstream] = [testClock(), createStage(), fakeUpstream(room)];
  let ends = 0;
  const pipe = new Pipe(upstream, {
    clock,
    stage,
    highWater: 100,
    halfCloseTimeout: 1_000,
    stallTimeout: 60_000,
    onEnd: () => {
      ends += 1;
    },
    ...options,
  });
  const open = () =>
    openFake({
      kind: "bridge",
      open: (connection) => pipe.open(connection),
      message: (_, data) => pipe.receive(typeof data === "string" ? bytes(data) : data),
      drain: () => pipe.drainClient(),
      close: () => pipe.closeClient(),
      stats: () => ({}),
      dispose: async () => undefined,
    });
  return {
    clock,
    stage,
    upstream,
    pipe,
    open,
    get ends() {
      return ends;
    },
  };
}

/** The same with its client. `say`: the client says it, and the turn ends. */
export function joined(options: HouseOptions = {}) {
  const house = pipeHouse(options);
  const client = house.open();
  const say = (text: string) => {
    client.say(text);
    house.stage.flush(house.pipe);
  };
  return Object.assign(house, { client, say });
}

/** What the client got since the last time. */
export const heard = (client: FakeConnection) =>
  client
    .take()
    .map((data) => Buffer.from(data as Uint8Array).toString())
    .join("");
export const code = (client: FakeConnection) => client.ended?.code;
