/** A WebSocket that does what a test says, for what no real server can be made to do: hang, vanish, answer late. */
import type { WebSocketConstructor, WebSocketLike } from "../../src/client/index.ts";

export interface FakeWebSocket extends WebSocketLike {
  readonly protocols: readonly string[];
  readonly sent: unknown[];
  /** What `close` was called with. */
  readonly closedWith: readonly unknown[] | undefined;
  /** The server accepts. */
  accept(protocol?: string): void;
  say(data: unknown): void;
  /** The connection ends like this; without arguments it is torn. */
  end(code?: number, reason?: string): void;
}

export interface FakeNetwork {
  readonly WebSocket: WebSocketConstructor;
  /** All sockets so far, oldest first. */
  readonly sockets: FakeWebSocket[];
  readonly last: FakeWebSocket;
}

export function fakeNetwork(): FakeNetwork {
  const sockets: FakeWebSocket[] = [];
  class Fake implements FakeWebSocket {
    readonly extensions = "";
    readonly sent: unknown[] = [];
    readonly protocols: readonly string[];
    protocol = "";
    readyState = 0;
    bufferedAmount = 0;
    binaryType = "blob";
    closedWith: readonly unknown[] | undefined;
    onopen: ((event: never) => void) | null = null;
    onmessage: ((event: never) => void) | null = null;
    onerror: ((event: never) => void) | null = null;
    onclose: ((event: never) => void) | null = null;

    constructor(
      readonly url: string,
      protocols: string | string[] = [],
    ) {
      this.protocols = [protocols].flat();
      sockets.push(this);
    }
    send(data: unknown) {
      this.sent.push(data);
    }
    close(...args: unknown[]) {
      this.closedWith = args;
      this.readyState = 2;
    }
    accept(protocol = this.protocols[0] ?? "") {
      this.protocol = protocol;
      this.readyState = 1;
      this.onopen?.({} as never);
    }
    say(data: unknown) {
      this.onmessage?.({ data } as never);
    }
    end(code = 1006, reason = "") {
      this.readyState = 3;
      if (code === 1006) this.onerror?.({ message: "torn" } as never);
      this.onclose?.({ code, reason, wasClean: code !== 1006 } as never);
    }
  }
  return {
    WebSocket: Fake,
    sockets,
    get last() {
      const last = sockets.at(-1);
      if (last === undefined) throw new Error("nobody has dialed yet");
      return last;
    },
  };
}
