/**
 * A peer of a relay as somebody writes it who has read PROTOCOL.md and nothing else: it imports nothing of ours.
 * JSON only; it connects again at once, where one should wait.
 */

export type Fate = "delivered" | "expired" | "dropped" | "unknown";

export interface RelayStranger extends Disposable {
  /** Data of the messages it was given, in order. */
  readonly given: readonly unknown[];
  /** Sessions that it had. */
  readonly sessions: number;
  send(data: unknown, ttl?: number): Promise<Fate>;
  /** Resolves when this is so, looking after each frame. */
  when(isSo: () => boolean): Promise<void>;
  /** Its connection breaks, and it stays away. */
  leave(): void;
  /** Resolves when it has its role. */
  come(): Promise<void>;
  /** It takes what comes, and says no `ack`. */
  holdAcks(): void;
}

interface Frame {
  readonly t: string;
  readonly id?: number;
  readonly session?: string;
  readonly seq?: number;
  readonly idem?: string;
  readonly state?: Fate | "queued";
  readonly code?: string;
  readonly data?: unknown;
}

interface Message {
  readonly idem: string;
  readonly data: unknown;
  readonly ttl: number | undefined;
  /** Whether its receipt has come; it is forgotten when those of all before it have, too. */
  seq: number | undefined;
  settle(fate: Fate): void;
}

const JOIN_ID = 1;
const isFinal = (code: number) =>
  [1000, 1002, 1003, 1007, 1008, 1009, 3000, 3003].includes(code) || (code >= 4500 && code <= 4999);

export function createRelayStranger(url: string, group: string, role: "center" | "local"): RelayStranger {
  const given: unknown[] = [];
  const looks = new Set<() => void>();
  /** In the order in which they were sent. */
  const messages: Message[] = [];
  let socket: WebSocket | undefined;
  let session: string | undefined;
  let [sessions, upto, done, nextId] = [0, 0, 0, 0];
  let [isIn, isHolding] = [false, false];

  function connect(): void {
    const mine = new WebSocket(url, ["fairlead.v1"]);
    socket = mine;
    mine.onmessage = ({ data }) => {
      if (socket === mine) take(JSON.parse(String(data)));
    };
    mine.onclose = ({ code }) => {
      if (socket !== mine) return;
      isIn = false;
      if (!isFinal(code)) connect();
    };
  }

  const tell = (command: object) => socket?.send(JSON.stringify(command));

  function take(frame: Frame): void {
    if (frame.t === "welcome") join(JOIN_ID);
    else if (frame.t === "data") message(frame);
    else if (frame.t === "receipt") receipt(frame);
    else if (frame.t === "err") refused(frame);
    else if (frame.session !== undefined) joined(frame.session);
    for (const look of looks) look();
  }

  function join(id: number): void {
    nextId = id + 1;
    tell({ t: "join", id, group, role, ...(session !== undefined && { session, upto, done }) });
  }

  function joined(mine: string): void {
    if (mine !== session) sessions += 1;
    session = mine;
    isIn = true;
    for (const each of messages) if (each.seq === undefined) say(each);
  }

  /** A session that has ended took the fate of what it sent with it. */
  function refused({ id, code }: Frame): void {
    if (code !== "gone" || id !== JOIN_ID) throw new Error(`refused: ${code}`);
    for (const { settle } of messages.splice(0)) settle("unknown");
    session = undefined;
    [upto, done] = [0, 0];
    join(JOIN_ID + 1);
  }

  function message({ seq = 0, data }: Frame): void {
    if (seq <= upto) return;
    upto = seq;
    given.push(data);
    if (!isHolding) tell({ t: "ack", upto });
  }

  function receipt({ idem, seq, state }: Frame): void {
    const found = messages.find((each) => each.idem === idem);
    if (found === undefined || state === undefined || state === "queued") return;
    found.seq = seq;
    found.settle(state);
    for (; messages[0]?.seq !== undefined; messages.shift()) done = messages[0].seq;
  }

  function say({ data, idem, ttl }: Message): void {
    tell({ t: "send", id: nextId, data, idem, ttl, done });
    nextId += 1;
  }

  function leave(): void {
    const broken = socket;
    socket = undefined;
    isIn = false;
    broken?.terminate();
  }

  const stranger: RelayStranger = {
    given,
    get sessions() {
      return sessions;
    },
    send: (data, ttl) =>
      new Promise((settle) => {
        const mine = { data, ttl, idem: crypto.randomUUID(), seq: undefined, settle };
        messages.push(mine);
        if (isIn) say(mine);
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
      return stranger.when(() => isIn);
    },
    holdAcks() {
      isHolding = true;
    },
    [Symbol.dispose]: leave,
  };
  return stranger;
}
