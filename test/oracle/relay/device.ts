/**
 * A device that takes a role and may come back to it, over any way to a relay: one with the library, and one that speaks envelopes.
 * All that it says, is given and is told goes into the ledger.
 */
import {
  type Clock,
  type Delays,
  type FairleadClientError,
  openRelay,
  type WebSocketConstructor,
} from "../../../src/client/relay.ts";
import type { Data } from "../../../src/connection.ts";
import { splitFrame } from "../../../src/wire/binary-frame.ts";
import type { Role } from "../../../src/wire/envelope.ts";
import type { Fate, Ledger } from "./ledger.ts";

export interface Way {
  readonly url: string;
  readonly WebSocket: WebSocketConstructor;
  readonly clock?: Clock;
  /** Between two attempts. @default none: what is random cannot be played again */
  readonly delays?: Delays;
}

export interface Saying {
  readonly as: "text" | "json" | "bytes";
  readonly size: number;
  readonly ttl: number | undefined;
}

export interface Device {
  /** Of this life of it. */
  readonly name: string;
  readonly role: Role;
  readonly isOpen: boolean;
  /** What it believes of its partner; `unknown` also where it has no role. Undefined: it cannot tell. */
  readonly partner: string | undefined;
  say(saying: Saying): void;
  /** Whether it asks for what comes. */
  read(does: boolean): void;
  close(): void;
}

const AT_ONCE = { minDelay: 0, maxDelay: 0 };
const GROUP = "g";

export function openPeer(
  name: string,
  role: Role,
  ledger: Ledger,
  { url, WebSocket, clock, delays = AT_ONCE }: Way,
): Device {
  const relay = openRelay(url, { group: GROUP, role, WebSocket, clock, info: name, ...delays });
  const gate = createGate();
  let said = 0;

  async function read(): Promise<void> {
    for await (const { data } of relay) {
      ledger.given(textOf(data), name);
      await gate.passed();
    }
  }
  // It ends with the relay, whose word for that is looked at nowhere: sends have it too.
  read().catch((error: FairleadClientError) => {
    if (error.name !== "FairleadClientError") throw error;
  });

  return {
    name,
    role,
    get isOpen() {
      return relay.status.type !== "closed";
    },
    get partner() {
      return relay.partner.state;
    },
    say({ as, size, ttl }) {
      said += 1;
      const text = `${name}:${said}`.padEnd(size, ".");
      ledger.say(text, name, role);
      const data = as === "bytes" ? new TextEncoder().encode(text) : as === "json" ? { text } : text;
      relay.send(data, { ttl }).then(
        () => ledger.end(text, "delivered"),
        ({ code }: FairleadClientError) => ledger.end(text, code as Fate),
      );
    },
    read: gate.set,
    close() {
      ledger.sessionEnds(role);
      void relay.close();
    },
  };
}

export function openPlain(name: string, role: Role, ledger: Ledger, { url, WebSocket }: Way): Device {
  const socket = new WebSocket(url);
  let isOpen = true;
  let said = 0;
  const tell = (content: string, message_type?: string) =>
    socket.send(
      JSON.stringify({ group_id: GROUP, sender_type: role, receiver_type: "", content, message_type }),
    );
  socket.onopen = () => tell("register");
  socket.onmessage = ({ data }: { data: unknown }) => {
    const { sender_type, content } = JSON.parse(String(data));
    if (sender_type !== "server") ledger.given(textOf(unwrapped(content)), name);
  };
  socket.onclose = () => {
    isOpen = false;
  };

  return {
    name,
    role,
    get isOpen() {
      return isOpen;
    },
    partner: undefined,
    say({ size }) {
      if (socket.readyState !== 1) return;
      said += 1;
      const text = `${name}:${said}`.padEnd(size, ".");
      ledger.say(text, name, role);
      ledger.end(text, "none");
      tell(text);
    },
    read() {},
    close() {
      if (socket.readyState === 1) tell("", "disconnect");
    },
  };
}

/** Puts into the ledger what a frame of the server says of the group. `session`: that of this device so far; returns the present one. */
export function observe(
  ledger: Ledger,
  { name, role }: { readonly name: string; readonly role: Role },
  session: string,
  frame: Data,
): string {
  const { t, data, session: own, sender_type, content, message_type } = fieldsOf(frame);
  if (t === "ok" && typeof own === "string") {
    ledger.joined(role, own, name);
    return own;
  }
  if (t === "data") ledger.handed(textOf(data), name, session);
  // A plain one that gets a role ends the session of whoever was away.
  if (sender_type === "server" && message_type === null && String(content).startsWith("Connected"))
    ledger.sessionEnds(role);
  if (sender_type !== undefined && sender_type !== "server")
    ledger.handed(textOf(unwrapped(String(content))), name, "");
  return session;
}

function fieldsOf(frame: Data): Record<string, unknown> {
  if (typeof frame === "string") return JSON.parse(frame);
  const split = splitFrame(frame);
  if (typeof split === "string") throw new Error(split);
  return { ...JSON.parse(split.header), data: split.payload };
}

/** A plain client gets JSON as its text. */
const unwrapped = (content: string): unknown => (content.startsWith("{") ? JSON.parse(content) : content);

function textOf(data: unknown): string {
  if (data instanceof Uint8Array) return new TextDecoder().decode(data);
  return typeof data === "string" ? data : (data as { text: string }).text;
}

function createGate() {
  let closed: PromiseWithResolvers<void> | undefined;
  return {
    passed: () => closed?.promise,
    set(isOpen: boolean) {
      if (!isOpen) closed ??= Promise.withResolvers<void>();
      else closed = void closed?.resolve();
    },
  };
}
