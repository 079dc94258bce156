/**
 * A client of byte streams as somebody writes it who has read PROTOCOL.md and nothing else: it imports nothing of ours.
 * It comes back at once, where one should wait, and keeps all that it takes.
 */

export interface StreamStranger {
  /** What the target said, so far. */
  readonly taken: Uint8Array;
  /** Its bytes, and 1 for its half-close. */
  readonly count: number;
  /** Streams and resumes that the server granted. */
  readonly granted: number;
  say(bytes: Uint8Array): void;
  /** Half-close, after what was said. */
  finish(): void;
  /** The connection breaks, and the next one begins. */
  cut(): void;
  /** Resolves when this is so, looking after each frame. */
  when(isSo: () => boolean): Promise<void>;
  /** The code after which it does not come back: its own 1000, or the server's. */
  readonly ended: Promise<number>;
}

const [CONNECT_SUCCESS, RECONNECT_SUCCESS, DATA, ACK] = [1, 2, 4, 7] as const;
const WINDOW = 1024 * 1024;
const MAX_DATA = 65_536;
const isFinal = (code: number) =>
  code === 1000 || code === 1014 || code === 3003 || (code >= 4500 && code <= 4999);

export function createStreamStranger(url: string): StreamStranger {
  const { promise: ended, resolve: end } = Promise.withResolvers<number>();
  const looks = new Set<() => void>();
  const takenParts: Uint8Array[] = [];
  let socket: WebSocket | undefined;
  let sid: string | undefined;
  let isReady = false;
  let granted = 0;
  /** Bytes without an ACK; the first of them has the position `acknowledged`. */
  let kept = Buffer.alloc(0);
  /** Counts of its own direction: all that it was told to say, what was sent, what the server has. */
  let [said, sent, acknowledged] = [0, 0, 0];
  let taken = 0;
  let [isFinished, isTargetFinished] = [false, false];

  function connect(): void {
    isReady = false;
    const mine = new WebSocket(sid === undefined ? url : `${url}?sid=${sid}&ack=${taken}`, [
      "fairlead.bridge.v1",
    ]);
    socket = mine;
    mine.binaryType = "arraybuffer";
    mine.onmessage = ({ data }) => {
      if (socket === mine) hear(Buffer.from(data));
    };
    mine.onclose = ({ code }) => {
      if (socket !== mine) return;
      if (isFinal(code)) end(code);
      else connect();
    };
  }

  function hear(frame: Buffer): void {
    const tag = frame.readUInt16BE(0);
    if (tag === CONNECT_SUCCESS) begin(frame.subarray(6).toString("latin1"));
    else if (tag === RECONNECT_SUCCESS) goOn(Number(frame.readBigUInt64BE(2)));
    else if (tag === DATA) take(frame.subarray(6));
    else if (tag === ACK) forget(Number(frame.readBigUInt64BE(2)));
    pump();
    for (const look of looks) look();
  }

  function begin(secret: string): void {
    sid = secret;
    isReady = true;
    granted += 1;
  }

  function goOn(count: number): void {
    forget(count);
    sent = count;
    isReady = true;
    granted += 1;
  }

  function forget(count: number): void {
    kept = kept.subarray(count - acknowledged);
    acknowledged = count;
  }

  function take(bytes: Uint8Array): void {
    if (bytes.length === 0) isTargetFinished = true;
    takenParts.push(bytes);
    taken += bytes.length || 1;
    const frame = Buffer.alloc(10);
    frame.writeUInt16BE(ACK, 0);
    frame.writeBigUInt64BE(BigInt(taken), 2);
    socket?.send(frame);
  }

  /** The half-close counts 1, behind the last byte. */
  function pump(): void {
    if (!isReady) return;
    while (sent < said && sent < acknowledged + WINDOW) {
      const end = Math.min(said, sent + MAX_DATA, acknowledged + WINDOW);
      sendData(kept.subarray(sent - acknowledged, end - acknowledged));
      sent = end;
    }
    if (isFinished && sent === said && sent < acknowledged + WINDOW) {
      sendData(Buffer.alloc(0));
      sent += 1;
    }
    if (isTargetFinished && acknowledged === said + 1) socket?.close(1000);
  }

  function sendData(bytes: Buffer): void {
    const head = Buffer.alloc(6);
    head.writeUInt16BE(DATA, 0);
    head.writeUInt32BE(bytes.length, 2);
    socket?.send(Buffer.concat([head, bytes]));
  }

  connect();
  return {
    get taken() {
      return Buffer.concat(takenParts);
    },
    get count() {
      return taken;
    },
    get granted() {
      return granted;
    },
    ended,
    say(bytes) {
      kept = Buffer.concat([kept, bytes]);
      said += bytes.length;
      pump();
    },
    finish() {
      isFinished = true;
      pump();
    },
    cut() {
      const broken = socket;
      connect();
      broken?.terminate();
    },
    when: (isSo) =>
      new Promise((resolve) => {
        const look = () => {
          if (isSo() && looks.delete(look)) resolve();
        };
        looks.add(look);
        look();
      }),
  };
}
