/**
 * A gateway for one byte stream that keeps to section "Byte streams" of PROTOCOL.md and holds its client to it, on a network whose frames take
 * their time and are lost when a connection is cut. What breaks a rule stands in `complaints`.
 */
import type { WebSocketConstructor, WebSocketLike } from "../../../src/client/index.ts";
import {
  ACK_BYTES,
  ackFrame,
  connectFrame,
  dataFrame,
  MAX_DATA,
  readFrame,
  reconnectFrame,
  WINDOW_BYTES,
} from "../../../src/wire/bridge-frames.ts";

const SID = "the-stream";

export interface ModelGateway {
  readonly WebSocket: WebSocketConstructor;
  /** What the service was told, and whether it was told the end. */
  readonly heard: Uint8Array[];
  readonly hasEnd: boolean;
  /** The client closed the finished stream with 1000. */
  readonly isFinished: boolean;
  readonly complaints: string[];
  readonly connections: number;
  /** Ends the connection; what is under way is lost. */
  cut(): void;
}

/** `says`: what the service says before its end. `chance`: 0 to 1, for how far frames come in a turn. */
export function modelGateway(says: Uint8Array, chance: () => number): ModelGateway {
  const heard: Uint8Array[] = [];
  const complaints: string[] = [];
  let line: Line | undefined;
  let connections = 0;
  let hasEnd = false;
  let isFinished = false;
  /** Passed on to the service, and received; the half-close counts 1. */
  let passedOn = 0;
  let received: Uint8Array[] = [];
  /** What the client was told that was passed on. */
  let told = 0;
  /** What the client says it has read, and how far it was sent. */
  let acked = 0;
  let sent = 0;
  const end = says.length + 1;

  const complain = (what: string) => void complaints.push(what);

  function opened(on: Line): void {
    const { searchParams } = new URL(on.url);
    const sid = searchParams.get("sid");
    const ack = Number(searchParams.get("ack") ?? 0);
    if (connections > 1 && sid !== SID) complain(`connection ${connections} asks for ${sid}`);
    if (ack < acked || ack > sent) complain(`resumes from ${ack}, has had ${acked} to ${sent}`);
    line = on;
    received = [];
    acked = sent = ack;
    told = passedOn;
    on.toClient(sid === null ? connectFrame(SID) : reconnectFrame(passedOn));
    on.isLive = true;
  }

  function hear(bytes: Uint8Array): void {
    const frame = readFrame(bytes, MAX_DATA);
    if (frame?.type === "ack") {
      if (frame.count < acked || frame.count > sent) complain(`ack ${frame.count} of ${acked} to ${sent}`);
      acked = frame.count;
    } else if (frame?.type === "data") {
      if (hasEnd) complain("DATA after the half-close");
      received.push(frame.bytes.slice());
      const underWay = received.reduce((sum, each) => sum + (each.length || 1), 0) + passedOn - told;
      if (underWay > WINDOW_BYTES) complain(`${underWay} bytes under way`);
    } else complain(`a client says ${JSON.stringify(frame)}`);
  }

  /** Passes on some, says some. */
  function work(on: Line): void {
    for (let n = chance() * 3; n > 0; n--) {
      const bytes = received.shift();
      if (bytes === undefined) break;
      if (bytes.length === 0) hasEnd = true;
      else heard.push(bytes);
      passedOn += bytes.length || 1;
    }
    if (passedOn - told >= ACK_BYTES || chance() < 0.1) {
      told = passedOn;
      on.toClient(ackFrame(told));
    }
    for (let n = chance() * 3; n > 0 && sent < end; n--) {
      const room = Math.min(MAX_DATA, WINDOW_BYTES - (sent - acked));
      if (room <= 0) break;
      const bytes = says.subarray(sent, sent + Math.ceil(room * chance()));
      on.toClient(dataFrame(bytes));
      sent += bytes.length || 1;
    }
  }

  class Line implements WebSocketLike {
    readonly extensions = "";
    readonly protocol = "fairlead.bridge.v1";
    readonly bufferedAmount = 0;
    readonly url: string;
    readyState = 0;
    binaryType = "blob";
    onopen: ((event: never) => void) | null = null;
    onmessage: ((event: never) => void) | null = null;
    onerror: ((event: never) => void) | null = null;
    onclose: ((event: never) => void) | null = null;
    /** The stream was begun on it. */
    isLive = false;
    readonly #down: Uint8Array[] = [];
    readonly #up: Uint8Array[] = [];

    constructor(url: string) {
      this.url = url;
      connections += 1;
      setImmediate(() => this.#turn());
    }
    toClient(frame: Uint8Array): void {
      this.#down.push(frame);
    }
    send(data: unknown): void {
      if (!this.isLive) complain("the client speaks first");
      this.#up.push((data as Uint8Array).slice());
    }
    close(code?: number): void {
      if (this.readyState > 1) return;
      const isCurrent = this === line;
      // A close comes after what was sent before it.
      for (const frame of this.#up.splice(0)) if (isCurrent) hear(frame);
      if (isCurrent && code === 1000) {
        isFinished = true;
        received = [];
      }
      this.end(code ?? 1005);
    }
    end(code: number): void {
      if (this.readyState > 2) return;
      this.readyState = 3;
      this.onclose?.({ code, reason: "", wasClean: code !== 1006 } as never);
    }
    #turn(): void {
      if (this.readyState > 1) return;
      if (this.readyState === 0) {
        this.readyState = 1;
        this.onopen?.({} as never);
        opened(this);
      }
      for (const frame of this.#up.splice(0, Math.ceil(chance() * 4))) if (this === line) hear(frame);
      if (this === line) work(this);
      for (const frame of this.#down.splice(0, Math.ceil(chance() * 4))) {
        this.onmessage?.({ data: frame.slice().buffer } as never);
      }
      setImmediate(() => this.#turn());
    }
  }

  return {
    WebSocket: Line,
    heard,
    complaints,
    get hasEnd() {
      return hasEnd;
    },
    get isFinished() {
      return isFinished;
    },
    get connections() {
      return connections;
    },
    cut: () => line?.end(1006),
  };
}
