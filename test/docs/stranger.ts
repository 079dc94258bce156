/**
 * A client of fairlead.v1 as somebody writes it who has read PROTOCOL.md and nothing else: it imports nothing of ours.
 * One topic, the path's; JSON only; it connects again at once, where one should wait.
 */

interface Position {
  readonly epoch: string;
  readonly offset: number;
}

/** What it reads of frames, whichever they are. */
interface Frame extends Position {
  readonly t: string;
  readonly id?: number;
  readonly sub?: Frame;
  readonly count: number;
  readonly recovered?: boolean;
  readonly to?: number;
  readonly latest?: boolean;
  readonly code?: string;
  readonly data?: unknown;
}

interface Pending {
  readonly data: unknown;
  readonly idem: string;
  /** Undefined: not yet. */
  firstSent: number | undefined;
  settle(result: "published" | "unknown"): void;
}

export interface Stranger extends Disposable {
  /** Data of the messages it was given, in order. */
  readonly given: readonly unknown[];
  /** How often it was told of a loss. */
  readonly losses: number;
  readonly position: Position | undefined;
  publish(data: unknown): Promise<"published" | "unknown">;
  /** Resolves when this is so, looking after each frame. */
  when(isSo: () => boolean): Promise<void>;
  /** Its connection breaks, and it stays away. */
  leave(): void;
  /** Resolves when it is welcome. */
  come(): Promise<void>;
}

const STOP = [1000, 1002, 1003, 1007, 1008, 1009, 3000, 3003];

export function createStranger(url: string): Stranger {
  const given: unknown[] = [];
  const looks = new Set<() => void>();
  /** Publishes without an answer, and those of them that were sent on this connection, by id. */
  const waiting = new Set<Pending>();
  let asked = new Map<number, Pending>();
  let socket: WebSocket | undefined;
  let position: Position | undefined;
  let losses = 0;
  let isWelcome = false;

  function connect(): void {
    const since = position === undefined ? "" : `?since=${position.epoch}:${position.offset}`;
    const mine = new WebSocket(`${url}${since}`, ["fairlead.v1"]);
    socket = mine;
    mine.onmessage = ({ data }) => {
      if (socket === mine) take(JSON.parse(String(data)));
    };
    mine.onclose = ({ code }) => {
      if (socket !== mine) return;
      isWelcome = false;
      if (!STOP.includes(code) && (code < 4500 || code > 4999)) connect();
    };
  }

  function take(frame: Frame): void {
    if (frame.t === "welcome" && frame.sub !== undefined) welcome(frame.sub);
    else if (frame.t === "msg") message(frame);
    else if (frame.t === "gap") gap(frame);
    else answer(frame);
    for (const look of looks) look();
  }

  function welcome({ epoch, offset, count, recovered }: Frame): void {
    if (recovered === false) losses += 1;
    position = { epoch, offset: offset - count };
    asked = new Map();
    isWelcome = true;
    for (const pending of waiting) send(pending);
  }

  function message({ epoch = position?.epoch ?? "", offset, data }: Frame): void {
    given.push(data);
    position = { epoch, offset };
  }

  function gap({ epoch, offset, to, latest }: Frame): void {
    losses += 1;
    if (latest !== true) position = { epoch, offset: to ?? offset };
  }

  function answer({ t, id = 0, code }: Frame): void {
    const pending = asked.get(id);
    if (pending === undefined) return;
    if (t === "err" && code !== "gone") throw new Error(`a publish was refused: ${code}`);
    waiting.delete(pending);
    pending.settle(t === "ok" ? "published" : "unknown");
  }

  function send(pending: Pending): void {
    const id = asked.size + 1;
    asked.set(id, pending);
    const age = pending.firstSent === undefined ? undefined : Date.now() - pending.firstSent;
    pending.firstSent ??= Date.now();
    socket?.send(JSON.stringify({ t: "pub", id, data: pending.data, idem: pending.idem, age }));
  }

  function leave(): void {
    const broken = socket;
    socket = undefined;
    isWelcome = false;
    broken?.terminate();
  }

  const stranger: Stranger = {
    given,
    get losses() {
      return losses;
    },
    get position() {
      return position;
    },
    publish: (data) =>
      new Promise((settle) => {
        const pending = { data, idem: crypto.randomUUID(), firstSent: undefined, settle };
        waiting.add(pending);
        if (isWelcome) send(pending);
      }),
    when: (isSo) =>
      new Promise((resolve) => {
        const look = () => {
          if (isSo() && looks.delete(look)) resolve();
        };
        looks.add(look);
        look();
      }),
    leave,
    come() {
      if (socket === undefined) connect();
      return stranger.when(() => isWelcome);
    },
    [Symbol.dispose]: leave,
  };
  return stranger;
}
