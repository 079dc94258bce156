/** A server that says what a test tells it to, to a client on a network and a clock that tests move. */
import type { TestClock } from "../clock.ts";
import type { FakeNetwork } from "./fake-web-socket.ts";

export type Fields = Record<string, unknown>;

export interface FakeServer {
  /** The next connection is made and welcomed; `sub` is the path's topic. */
  welcome(sub?: Fields, more?: Fields): Promise<void>;
  /** The server says a frame. */
  say(frame: Fields): void;
  /** What was sent on this connection and nobody took yet, as objects. */
  said(): Fields[];
  /** Takes the next command, which must have this name. */
  command(t: string): Fields & { id: number };
  /** Takes the next command and answers it. */
  ok(t: string, fields?: Fields): void;
  err(t: string, code: string, fields?: Fields): void;
  /** The connection is torn, or closed; the next attempt is made. */
  lose(code?: number, reason?: string): Promise<void>;
}

/** Longer than any wait between two attempts that nobody asked for. */
const LONGEST = 20_000;
export const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

export function fakeServer(net: FakeNetwork, clock: TestClock): FakeServer {
  let taken = 0;

  const said = () => net.last.sent.slice(taken).map((frame) => JSON.parse(String(frame)) as Fields);
  const say = (frame: Fields) => net.last.say(JSON.stringify(frame));
  const command = (t: string) => {
    const [next] = said();
    if (next?.["t"] !== t) throw new Error(`expected ${t}, the client said ${JSON.stringify(next)}`);
    taken += 1;
    return next as Fields & { id: number };
  };
  return {
    said,
    say,
    command,
    async welcome(sub, more = {}) {
      await settle();
      taken = 0;
      net.last.accept();
      const about = {
        conn: "c1",
        kind: "feed",
        user: null,
        heartbeat: 25_000,
        maxMessage: 65_536,
        node: "n1",
      };
      say({ t: "welcome", ...about, ...more, sub });
    },
    ok: (t, fields = {}) => say({ t: "ok", id: command(t).id, ...fields }),
    err: (t, code, fields = {}) => say({ t: "err", id: command(t).id, code, message: "no", ...fields }),
    async lose(code, reason) {
      net.last.end(code, reason);
      clock.advance(LONGEST);
      await settle();
    },
  };
}
