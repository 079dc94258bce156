/** A client of fairlead.v1 for tests: counts its ids up, keeps answers and events apart, and says everything else as it is told. */
import { PROTOCOL } from "../src/wire/v1.ts";
import { connect } from "./gateway.ts";
import { bounded } from "./raw-client.ts";

/** A text frame as its object; a binary one as its header, with the payload as `bytes`. */
export type Frame = Readonly<Record<string, unknown>>;

export interface V1Client extends Disposable {
  readonly welcome: Frame;
  /** Sends a command with the next id and resolves with what answers it. */
  ask(command: Frame): Promise<Frame>;
  /** Sends a frame as it is. `ask` goes on above its id. */
  say(frame: string | Uint8Array<ArrayBuffer> | Frame): void;
  /** The next frame that is no answer to an `ask`. */
  next(): Promise<Frame>;
  take(count: number): Promise<Frame[]>;
  /** Frames that are no answers, up to the answer of a `ping` that is sent now. */
  told(): Promise<Frame[]>;
  close(): void;
  closed(): Promise<{ code: number; reason: string }>;
}

/** `entries`: beside the subprotocol, like a token's. */
export async function speak(
  url: string,
  entries: readonly string[] = [],
  tls: object = {},
): Promise<V1Client> {
  const client = await connect(url, [PROTOCOL, ...entries], tls);
  const events: Frame[] = [];
  const answers = new Map<number, (frame: Frame) => void>();
  let onEvent = () => {};
  let lastId = 0;

  // Rejects never: `next` of a client waits for as long as the process lives.
  async function listen(): Promise<void> {
    for (;;) {
      const frame = parse(await client.next());
      const { id } = frame;
      const answer = typeof id === "number" ? answers.get(id) : undefined;
      if (answer === undefined) events.push(frame);
      else {
        answers.delete(Number(id));
        answer(frame);
      }
      onEvent();
    }
  }

  const next = () =>
    bounded(
      "an event",
      new Promise<Frame>((resolve) => {
        onEvent = () => {
          const event = events.shift();
          if (event === undefined) return;
          onEvent = () => {};
          resolve(event);
        };
        onEvent();
      }),
    );

  const ask = (command: Frame) => {
    lastId += 1;
    const id = lastId;
    client.send(JSON.stringify({ ...command, id }));
    return bounded(
      `the answer to ${JSON.stringify(command)}`,
      new Promise<Frame>((resolve) => answers.set(id, resolve)),
    );
  };

  void listen();
  const welcome = await next();
  return {
    welcome,
    ask,
    next,
    async take(count) {
      const frames: Frame[] = [];
      while (frames.length < count) frames.push(await next());
      return frames;
    },
    say(frame) {
      const isRaw = typeof frame === "string" || frame instanceof Uint8Array;
      if (!isRaw) lastId = Math.max(lastId, Number(frame["id"] ?? 0));
      client.send(isRaw ? frame : JSON.stringify(frame));
    },
    async told() {
      await ask({ t: "ping" });
      return events.splice(0);
    },
    close: () => client.socket.close(),
    closed: () => bounded("the end of the connection", client.closed),
    [Symbol.dispose]: () => client.socket.close(),
  };
}

function parse(data: string | Uint8Array): Frame {
  if (typeof data === "string") return JSON.parse(data);
  const length = new DataView(data.buffer, data.byteOffset).getUint16(0);
  const header = JSON.parse(new TextDecoder().decode(data.subarray(2, 2 + length)));
  return { ...header, bytes: data.slice(2 + length) };
}
