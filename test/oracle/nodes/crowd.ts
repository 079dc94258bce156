/** Readers and writers of one topic, who come to any node and go to another. A reader's link ends when the test says so, or its node does. */
import { startProxy } from "../../tcp-proxy.ts";
import { createReader, type ReaderKind, type SocketReader } from "../socket-reader.ts";
import type { Books } from "./books.ts";
import type { Chance } from "./chance.ts";
import { createLibraryWriter, createRawWriter, type Writer } from "./writer.ts";

const READERS: readonly ReaderKind[] = ["v1", "v1", "v1", "v1", "stream", "stream"];
/** More of these wait for no answer; a library's and a raw one of each node come on top. */
const MAX_UNDER_WAY = 200;

export interface Crowd {
  /** One of them does something. */
  act(): void;
  /** Whoever is away comes back. */
  gather(): void;
  /** How many were answered with a position. */
  publish(writer: Writer, times: number): Promise<number>;
  readonly writers: readonly Writer[];
  readonly readers: readonly SocketReader[];
  /** Resolves when every publish has its end. Throws what a reader or an answer broke. */
  rest(): Promise<void>;
  check(): void;
  close(): void;
}

export interface CrowdParts {
  readonly path: string;
  readonly books: Books;
  readonly chance: Chance;
  /** `127.0.0.1:PORT` of each node. */
  readonly hosts: readonly string[];
  /** One that takes connections now. */
  anyHost(): string;
}

export async function createCrowd({ path, books, chance, hosts, anyHost }: CrowdParts): Promise<Crowd> {
  const proxies = await Promise.all(READERS.map(() => startProxy()));
  const readers = READERS.flatMap((kind, i) => {
    const proxy = proxies[i];
    return proxy === undefined ? [] : createReader(kind, proxy, path, books, true);
  });
  const writers = [
    ...hosts.map((host) => createRawWriter(() => `ws://${host}${path}`)),
    createLibraryWriter(() => `ws://${anyHost()}${path}`),
  ];
  const underWay = new Set<Promise<void>>();
  let failure: unknown;

  function come(reader: SocketReader): void {
    reader.proxy.target = Number(anyHost().split(":")[1]);
    void reader.connect({ since: reader.at });
  }

  async function publish(writer: Writer, times: number): Promise<number> {
    const texts = Array.from({ length: times }, () => books.next(chance.pick([10, 10, 200, 3_000])));
    let said = 0;
    const ends = texts.map(async (text) => {
      try {
        const fate = await writer.publish(text);
        if (fate.kind === "said") said += 1;
        books.ended(text, fate);
      } catch (error) {
        failure ??= error;
      }
    });
    for (const end of ends) {
      underWay.add(end);
      void end.finally(() => underWay.delete(end));
    }
    await Promise.all(ends);
    return said;
  }

  function check(): void {
    if (failure !== undefined) throw failure;
    for (const reader of readers) if (reader.failure !== undefined) throw reader.failure;
  }

  return {
    readers,
    writers,
    publish,
    check,
    act() {
      const reader = chance.pick(readers);
      const what = chance.next();
      if (!reader.isOpen) return come(reader);
      if (what < 0.05) return reader.proxy.reset();
      if (what < 0.07) return reader.leave();
      if (underWay.size < MAX_UNDER_WAY) void publish(chance.pick(writers), 1 + chance.below(6));
    },
    gather() {
      for (const reader of readers) if (!reader.isOpen) come(reader);
    },
    async rest() {
      while (underWay.size > 0) await Promise.all(underWay);
      check();
    },
    close() {
      for (const writer of writers) writer.close();
      for (const proxy of proxies) proxy[Symbol.dispose]();
    },
  };
}
