/** One peer of a relay on a network and a clock that tests move, with a server that says what a test tells it to. */
import { onTestFinished } from "bun:test";
import {
  type FairleadClientError,
  openRelay,
  type Relay,
  type RelayOptions,
} from "../../../src/client/relay.ts";
import { testClock } from "../../clock.ts";
import { type Fields, fakeServer } from "../fake-server.ts";
import { fakeNetwork } from "../fake-web-socket.ts";

export { settle } from "../fake-server.ts";

export function relayHouse(options: Partial<RelayOptions> = {}) {
  const net = fakeNetwork();
  const clock = testClock();
  const relay = openRelay("ws://host/relay", {
    group: "g1",
    role: "center",
    WebSocket: net.WebSocket,
    clock,
    ...options,
  });
  onTestFinished(() => close(relay, () => clock.advance(1_000)));
  const server = fakeServer(net, clock);
  return {
    net,
    clock,
    relay,
    ...server,
    /** The next connection is welcomed, and its join answered; what it asked for. */
    async join(more: Fields = {}): Promise<Fields> {
      await server.welcome();
      const { t: _, id, ...asked } = server.command("join");
      server.say({ t: "ok", id, partner: "online", queued: 0, session: "s1", ...more });
      return asked;
    },
    /** Takes the next `send` and accepts it; its `idem`. */
    accept(seq: number): string {
      const { id, idem } = server.command("send");
      server.say({ t: "ok", id, seq, state: "queued" });
      return String(idem);
    },
    receipt: (seq: number, idem: string, state = "delivered") =>
      server.say({ t: "receipt", seq, idem, state }),
    data: (seq: number, data: unknown = `m${seq}`) => server.say({ t: "data", seq, from: "local", data }),
  };
}

/** The fake server answers no `leave`. */
async function close(relay: Relay, later: () => void): Promise<void> {
  const closed = relay.close();
  later();
  await closed;
}

/** How a send ended, in a word. */
export function fate(sent: Promise<void>): Promise<string> {
  return sent.then(
    () => "delivered",
    (error: FairleadClientError) => error.code,
  );
}

/** Everything that a loop is given, as it comes. */
export function collect(relay: Relay): unknown[] {
  const items: unknown[] = [];
  void (async () => {
    try {
      for await (const { seq, data } of relay) items.push(`${seq} ${data}`);
      items.push("end");
    } catch (error) {
      items.push((error as FairleadClientError).code);
    }
  })();
  return items;
}

/** Takes all `send` commands that were said, without an answer; their data. */
export function sent({ said, command }: ReturnType<typeof relayHouse>): unknown[] {
  return said().map(() => command("send")["data"]);
}
