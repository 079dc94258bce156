/** Stations whose clients leave in order: what the gateway says it sent came to them, to the last byte, and the other way round. */
import type { Metrics } from "../metrics.ts";
import { newTally, openSocket, type SoakSocket } from "../socket.ts";
import type { Account, Station, Visit } from "../station.ts";

export interface PlainOptions {
  readonly name: string;
  /** As the config has it. */
  readonly route: string;
  readonly visits: number;
  readonly period: number;
  /** The path of visit number so and so. */
  path(number: number): string;
  readonly protocol?: string;
  /** After the 101, before anything else. */
  hello?(socket: SoakSocket, number: number): void;
  /** What visit number so and so says for the count-th time; undefined: nothing. */
  words(number: number, count: number): string | Uint8Array | undefined;
}

/** Numbers of visits that have left are given to those that come, so that groups of them stay of one size. */
export function numbers(): { take(): number; give(number: number): void } {
  const free: number[] = [];
  let next = 0;
  return {
    take: () => free.shift() ?? next++,
    give: (number) => void free.push(number),
  };
}

export function plainStation(port: number, options: PlainOptions): Station {
  const tally = newTally();
  const places = numbers();

  async function join(fault: (text: string) => void): Promise<Visit> {
    const number = places.take();
    const { protocol } = options;
    const socket = await openSocket({
      port,
      path: options.path(number),
      tally,
      ...(protocol === undefined ? {} : { protocol }),
    });
    let isLeaving = false;
    let count = 0;
    void socket.ended.then((code) => {
      if (!isLeaving) fault(`${options.name}: the gateway ended a connection with ${code}`);
    });
    options.hello?.(socket, number);
    return {
      say() {
        const words = options.words(number, count++);
        if (words !== undefined) socket.send(words);
      },
      async leave() {
        isLeaving = true;
        const code = await socket.close();
        if (code !== 1000) fault(`${options.name}: a close was answered with ${code}`);
        places.give(number);
      },
    };
  }

  return {
    name: options.name,
    clients: 1,
    visits: options.visits,
    period: options.period,
    join,
    accounts: (metrics) => exact(options.name, options.route, tally, metrics),
  };
}

function exact(
  name: string,
  route: string,
  tally: Readonly<ReturnType<typeof newTally>>,
  metrics: Metrics,
): Account[] {
  const bytes = (direction: string) => metrics.sum("message_bytes_total", { route, direction });
  const sum = (what: string) => metrics.sum(what, { route });
  const rule = "equal";
  return [
    { what: `${name}: messages in`, clients: tally.sent, gateway: sum("messages_received_total"), rule },
    { what: `${name}: bytes in`, clients: tally.sentBytes, gateway: bytes("in"), rule },
    { what: `${name}: messages out`, clients: tally.received, gateway: sum("messages_sent_total"), rule },
    { what: `${name}: bytes out`, clients: tally.receivedBytes, gateway: bytes("out"), rule },
  ];
}
