/**
 * A network without sockets: each device has a line to the server, over which one WebSocket after another is made. A line can hold what
 * is on its way, end in the middle of it, and die so that the server does not notice. Frames arrive in turns of their own, never inside
 * of somebody's call.
 */

import type { WebSocketConstructor, WebSocketLike } from "../../../src/client/relay.ts";
import type { CloseInfo, Connection, Data } from "../../../src/connection.ts";
import { byteLength } from "../../../src/limits.ts";
import { OPEN } from "../../open-access.ts";

/** What the listener would call. */
export interface Served {
  message(data: Data): void;
  drain(): void;
  close(info: CloseInfo): void;
}

export interface Line {
  readonly WebSocket: WebSocketConstructor;
  /** Attempts fail. */
  isDown: boolean;
  /** From now on nothing arrives, either way. */
  hold(): void;
  flow(): void;
  /** So many of the frames on their way still arrive, in each direction; then the connection is lost. Unnoticed, the server goes on with it. */
  cut(frames: number, isNoticed: boolean): void;
  /** The server notices what is dead. */
  notice(): void;
}

export interface Server {
  /** A connection that offered these; what its hooks are, and the chosen subprotocol. Undefined: refused. */
  serve(
    connection: Connection,
    protocols: readonly string[],
    line: string,
  ): { served: Served; protocol: string };
  /** Sees each frame that is sent to a line, whether it arrives or not. */
  sent(line: string, data: Data): void;
}

type Event = { readonly data: Data } | { readonly ending: CloseInfo };

let count = 0;

export function createLine(name: string, server: () => Server): Line {
  const links = new Set<Link>();
  let isHeld = false;
  let current: Link | undefined;

  const line: Line = {
    isDown: false,
    hold() {
      isHeld = true;
    },
    flow() {
      isHeld = false;
      for (const link of links) link.pump();
    },
    cut(frames, isNoticed) {
      for (const link of links) if (isNoticed || link === current) link.cut(frames, isNoticed);
      current = undefined;
    },
    notice() {
      for (const link of links) if (link !== current) link.cut(0, true);
    },
    WebSocket: class Socket implements WebSocketLike {
      readonly extensions = "";
      protocol = "";
      readyState = 0;
      bufferedAmount = 0;
      binaryType = "arraybuffer";
      onopen: ((event: never) => void) | null = null;
      onmessage: ((event: never) => void) | null = null;
      onerror: ((event: never) => void) | null = null;
      onclose: ((event: never) => void) | null = null;
      link: Link | undefined;

      constructor(
        readonly url: string,
        protocols: string | string[] = [],
      ) {
        queueMicrotask(() => {
          if (this.readyState !== 0) return;
          if (line.isDown) this.ended(LOST);
          else this.open([protocols].flat());
        });
      }

      open(protocols: readonly string[]) {
        const link = createLink(name, server(), this, {
          isHeld: () => isHeld,
          gone: () => links.delete(link),
        });
        this.link = current = link;
        links.add(link);
        this.readyState = 1;
        this.protocol = link.begin(protocols);
        this.onopen?.({} as never);
        link.pump();
      }

      heard(data: Data) {
        const whole = typeof data === "string" ? data : new Uint8Array(data).buffer;
        if (this.readyState === 1) this.onmessage?.({ data: whole } as never);
      }

      ended({ code, reason }: CloseInfo) {
        if (this.readyState === 3) return;
        this.readyState = 3;
        this.onclose?.({ code, reason, wasClean: code !== 1006 } as never);
      }

      send(data: string | ArrayBuffer | Uint8Array | Blob) {
        if (data instanceof Blob || data instanceof ArrayBuffer) throw new Error("nobody here sends these");
        this.link?.say({ data });
      }

      close(code = 1000, reason = "") {
        if (this.readyState >= 2) return;
        this.readyState = this.link === undefined ? 3 : 2;
        this.link?.say({ ending: { code, reason, local: false } });
      }
    },
  };
  return line;
}

const LOST: CloseInfo = { code: 1006, reason: "", local: false };

interface Client {
  heard(data: Data): void;
  ended(info: CloseInfo): void;
}

interface Link {
  begin(protocols: readonly string[]): string;
  say(event: Event): void;
  pump(): void;
  cut(frames: number, isNoticed: boolean): void;
}

function createLink(
  name: string,
  server: Server,
  client: Client,
  line: { isHeld(): boolean; gone(): void },
): Link {
  let toServer: Event[] = [];
  let toClient: Event[] = [];
  let served: Served | undefined;
  let isOpen = true;
  let isPaused = false;
  let isDead = false;
  let isPumping = false;
  let waiting = 0;

  const end = (info: CloseInfo) => {
    if (!isOpen) return;
    isOpen = false;
    served?.close(info);
    if (info.local && !isDead) toClient.push({ ending: info });
    pump();
  };

  const connection: Connection = {
    id: `c-${++count}`,
    params: {},
    remoteAddress: "127.0.0.1",
    ...OPEN,
    state: undefined,
    get isOpen() {
      return isOpen;
    },
    get isPaused() {
      return isPaused;
    },
    send(data) {
      if (!isOpen) return true;
      server.sent(name, data);
      if (!isDead) toClient.push({ data });
      waiting += byteLength(data);
      pump();
      return !line.isHeld() && !isDead;
    },
    cork: (run) => run(),
    buffered: () => (line.isHeld() || isDead ? waiting : 0),
    pause() {
      isPaused = true;
    },
    resume() {
      isPaused = false;
      pump();
    },
    subscribe() {},
    unsubscribe() {},
    close: (code, reason) => end({ code, reason, local: true }),
    terminate: (code, reason) => end({ code, reason, local: true }),
  };

  function toldClient(): boolean {
    const event = toClient.shift();
    if (event === undefined) return false;
    if ("data" in event) {
      waiting -= byteLength(event.data);
      client.heard(event.data);
    } else {
      line.gone();
      client.ended(event.ending);
    }
    return true;
  }

  function toldServer(): boolean {
    const event = isPaused && isOpen ? undefined : toServer.shift();
    if (event === undefined) return false;
    if (!isOpen) return true;
    if ("data" in event) served?.message(event.data);
    else {
      end(event.ending);
      toClient.push(event);
    }
    return true;
  }

  /** One frame of each direction at a time. */
  function pump(): void {
    if (isPumping) return;
    isPumping = true;
    queueMicrotask(() => {
      isPumping = false;
      if (line.isHeld() || isDead) return;
      const [heard, said] = [toldClient(), toldServer()];
      if (heard && waiting === 0 && isOpen) served?.drain();
      if (heard || said) pump();
    });
  }

  return {
    pump,
    begin(protocols) {
      const opened = server.serve(connection, protocols, name);
      served = opened.served;
      return opened.protocol;
    },
    say(event) {
      if (!isDead) toServer.push(event);
      pump();
    },
    cut(frames, isNoticed) {
      for (let n = 0; n < frames; n += 1) {
        toldClient();
        toldServer();
      }
      isDead = true;
      toServer = [];
      toClient = [];
      if (isNoticed) {
        line.gone();
        end(LOST);
      }
      client.ended(LOST);
    },
  };
}
