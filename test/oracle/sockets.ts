/** Plays a sequence of steps on a real gateway, with readers behind links that stall, and that end in the middle of a frame. */
import fc from "fast-check";
import type { ConfigInput } from "../../src/config/schema.ts";
import type { Position } from "../../src/wire/v1.ts";
import { eventually } from "../calm.ts";
import { connect, startGateway, type TestClient, type TestGateway } from "../gateway.ts";
import { bounded } from "../raw-client.ts";
import { createTopicLog } from "../stream-check.ts";
import { startProxy } from "../tcp-proxy.ts";
import { speak, type V1Client } from "../v1-client.ts";
import type { Kind } from "./house.ts";
import { createReader, gist, type ReaderKind, type SocketReader } from "./socket-reader.ts";

/** Bytes that may wait for a reader. What the kernel takes comes on top, so only bursts of LARGE messages make one slow. */
const MARK = 64 * 1024;
const LARGE = { size: 400_000, times: 16 };
const READERS: readonly ReaderKind[] = ["v1", "v1", "plain", "stream"];
const PATH = "/t";

export interface Step {
  readonly act: "publish" | "burst" | "connect" | "leave" | "cut" | "stall" | "read" | "restart";
  readonly by: "v1" | "plain" | "post";
  readonly reader: number;
  readonly size: number;
  readonly times: number;
  readonly key: string | undefined;
  readonly from: "since" | "last" | "now";
  /** Of what is under way, how much the reader still gets before it is cut off. */
  readonly bytes: number;
  /** Whether the next step waits for what was published. */
  readonly waits: boolean;
}

const often = (weight: number, act: Step["act"]) => ({ weight, arbitrary: fc.constant(act) });

export const socketSteps = fc.array(
  fc.record<Step>({
    act: fc.oneof(
      often(10, "publish"),
      often(1, "burst"),
      often(8, "connect"),
      often(1, "leave"),
      often(3, "cut"),
      often(2, "stall"),
      often(3, "read"),
      often(1, "restart"),
    ),
    by: fc.constantFrom("v1", "v1", "plain", "post"),
    reader: fc.nat(READERS.length - 1),
    size: fc.constantFrom(10, 200, 3_000),
    times: fc.integer({ min: 1, max: 6 }),
    key: fc.constantFrom("x", "y", undefined),
    from: fc.constantFrom("since", "since", "since", "last", "now"),
    bytes: fc.nat(2_000),
    waits: fc.boolean(),
  }),
  { minLength: 1, maxLength: 25, size: "max" },
);

export interface Played {
  readonly got: number;
  readonly gaps: number;
}

export async function playOnSockets(
  kind: Kind,
  engine: () => ConfigInput["engine"],
  all: readonly Step[],
): Promise<Played> {
  const slow = { policy: kind.policy, highWater: MARK };
  const common = { maxMessage: "1MiB", history: { size: 12, bytes: 1_000_000 } } as const;
  const routes =
    kind.kind === "room"
      ? { [PATH]: { kind: "room", slow, ...common } }
      : { [PATH]: { kind: "feed", publish: true, welcome: false, keyField: "key", slow, ...common } };
  const settings = { engine: engine(), drain: { window: 20 } };
  const start = () => startGateway(routes as ConfigInput["routes"], settings);
  let gateway = await start();
  const log = createTopicLog();
  const readers: SocketReader[] = [];
  for (const each of READERS) {
    const kindOfReader = each === "stream" && kind.kind === "room" ? "v1" : each;
    const proxy = await startProxy(portOf(gateway));
    readers.push(createReader(kindOfReader, proxy, PATH, log, kind.policy === "close"));
  }
  const publisher = createPublisher(kind, log);
  let underWay: Promise<unknown> = Promise.resolve();

  try {
    for (const step of all) {
      const reader = readers[step.reader];
      if (reader !== undefined) await act(step, reader);
      check(readers);
    }
    await finish();
    return { got: sum(readers, ({ got }) => got), gaps: sum(readers, ({ gaps }) => gaps) };
  } finally {
    publisher.leave();
    for (const { proxy } of readers) proxy[Symbol.dispose]();
    await gateway[Symbol.asyncDispose]();
  }

  async function publish(step: Pick<Step, "by" | "size" | "times" | "key">): Promise<void> {
    await underWay;
    underWay = publisher.publish(gateway, step);
  }

  async function act(step: Step, reader: SocketReader): Promise<void> {
    const { proxy } = reader;
    if (step.act === "publish") await publish(step);
    if (step.act === "burst") await publish({ ...step, ...LARGE, by: "v1" });
    if ((step.act === "publish" || step.act === "burst") && step.waits) await underWay;
    if (step.act === "connect" && !reader.isOpen) await come(reader, step.from);
    if (step.act === "leave") reader.leave();
    if (step.act === "stall") proxy.stall();
    if (step.act === "read") proxy.flow();
    if (step.act === "restart") await restart();
    if (step.act !== "cut") return;
    proxy.hold();
    await publish({ ...step, by: "v1" });
    await underWay;
    proxy.letThrough(step.bytes);
    proxy.reset();
    proxy.flow();
    await eventually("its end", () => !reader.isOpen);
  }

  async function come(reader: SocketReader, from: Step["from"]): Promise<void> {
    const since = from === "since" ? reader.at : undefined;
    // What it is told must still be so when it is asked about, and so nothing is published meanwhile.
    const start = await reader.connect({ since, last: from === "last" ? 5 : undefined });
    if (start?.recovered !== false || since === undefined) return;
    await underWay;
    if (await publisher.holdsAfter(gateway, since))
      throw new Error(`${JSON.stringify(since)} was not recovered`);
  }

  async function restart(): Promise<void> {
    await underWay;
    publisher.leave();
    for (const { proxy } of readers) proxy.flow();
    await gateway[Symbol.asyncDispose]();
    gateway = await start();
    await eventually("the end of all links", () => readers.every(({ isOpen }) => !isOpen));
    for (const { proxy } of readers) proxy.target = portOf(gateway);
  }

  /** Everybody reads, whoever is away comes back, and all get to the last message. */
  async function finish(): Promise<void> {
    await underWay;
    for (const { proxy } of readers) proxy.flow();
    for (const reader of readers) if (!reader.isOpen) await come(reader, "since");
    const last = await publisher.publish(gateway, { by: "v1", size: 10, times: 1, key: undefined });
    await eventually("the last message at every reader", async () => {
      check(readers);
      // One who was too slow is closed while it reads on, and comes back.
      for (const reader of readers) if (!reader.isOpen) await come(reader, "since");
      return readers.every((reader) => hasAll(reader, last, publisher.count));
    });
  }
}

function hasAll(
  { kind, at, numbers, got }: SocketReader,
  last: Position | undefined,
  count: number,
): boolean {
  // A plain one that came after the last message has nothing to wait for.
  if (kind === "plain") return got === 0 || numbers.length === 0 || numbers.at(-1) === count;
  return (
    (kind === "stream" && at === undefined) || (at?.epoch === last?.epoch && at?.offset === last?.offset)
  );
}

function check(readers: readonly SocketReader[]): void {
  for (const { failure } of readers) if (failure !== undefined) throw failure;
}

const sum = (readers: readonly SocketReader[], of: (reader: SocketReader) => number) =>
  readers.reduce((total, reader) => total + of(reader), 0);

const portOf = (gateway: TestGateway) => Number(gateway.host.split(":")[1]);

/** Publishes numbers, one after the other, as each kind of client would; each call resolves when all of it was published. */
function createPublisher(kind: Kind, log: ReturnType<typeof createTopicLog>) {
  let count = 0;
  let v1: V1Client | undefined;
  let plain: TestClient | undefined;

  const speaker = async (gateway: TestGateway) => {
    if (v1 !== undefined) return v1;
    v1 = await speak(gateway.ws(PATH));
    await v1.ask({ t: "unsub", topic: (v1.welcome["sub"] as { topic: string }).topic });
    return v1;
  };
  const see = (answer: unknown, data: string): Position => {
    const { epoch, offset } = answer as Position;
    log.see({ epoch, offset }, gist(data));
    return { epoch, offset };
  };

  async function asV1(gateway: TestGateway, texts: readonly string[], key: string | undefined) {
    // It would be too slow for a burst, like any reader.
    if (texts.length === LARGE.times) plain = void plain?.[Symbol.dispose]();
    const client = await speaker(gateway);
    const answers = await Promise.all(texts.map((data) => client.ask({ t: "pub", data, key })));
    return answers.map((answer, i) => see(answer, texts[i] ?? "")).at(-1);
  }

  async function asPlain(gateway: TestGateway, texts: readonly string[]) {
    plain ??= await connect(gateway.ws(PATH));
    for (const text of texts) plain.send(text);
    // It hears itself, and that is all the answer it gets.
    const heard = async (client: TestClient) => {
      while ((await client.next()) !== texts.at(-1));
    };
    await bounded("its own message at a plain publisher", heard(plain));
    return undefined;
  }

  async function asPost(gateway: TestGateway, texts: readonly string[]) {
    const headers = { "Content-Type": "text/plain" };
    for (const body of texts)
      see(await (await fetch(gateway.http(PATH), { method: "POST", headers, body })).json(), body);
    return undefined;
  }

  return {
    get count() {
      return count;
    },
    async publish(
      gateway: TestGateway,
      { by, size, times, key }: Pick<Step, "by" | "size" | "times" | "key">,
    ): Promise<Position | undefined> {
      const texts = Array.from({ length: times }, (_, i) => `${count + i + 1}`.padEnd(size, "."));
      count += times;
      if (by === "v1" || (by === "post" && kind.kind === "room")) return asV1(gateway, texts, key);
      return by === "plain" ? asPlain(gateway, texts) : asPost(gateway, texts);
    },
    async holdsAfter(gateway: TestGateway, since: Position): Promise<boolean> {
      const client = await speaker(gateway);
      const { topic } = client.welcome["sub"] as { topic: string };
      const page = await client.ask({ t: "history", topic, since, limit: 1 });
      return page["complete"] === true;
    },
    leave(): void {
      v1?.close();
      plain?.[Symbol.dispose]();
      v1 = plain = undefined;
    },
  };
}
