/**
 * Where a recording is played to: a WebSocket or a TCP connection. What comes back is counted and thrown away.
 * Bounded: whoever sends waits until what was sent has mostly gone. Failure: a `problem` for people, never an exception.
 */
import { connect as connectTcp, type Socket } from "node:net";
import { type Clock, pause } from "../../clock.ts";
import type { Data } from "../../connection.ts";
import { openLink } from "../connect/link.ts";
import { closeText } from "../connect/printer.ts";
import { failureText, refusalText } from "../connect/refusal.ts";
import type { Handshake } from "../handshake-flags.ts";

export interface FarEnd {
  /** Resolves when more may be sent, or nothing any more. */
  send(data: Data): Promise<void>;
  /** Aborts when it is gone. */
  readonly gone: AbortSignal;
  /** Ends in order, and says what went wrong until then; undefined: nothing. */
  finish(): Promise<string | undefined>;
  /** Bytes that came back. */
  readonly received: number;
}

export type Opened = FarEnd | { readonly problem: string };

const NOT_TAKEN = "it took no more of what was sent";

export async function openWebSocket(
  handshake: Handshake,
  protocols: readonly string[],
  clock: Clock,
): Promise<Opened> {
  const gone = new AbortController();
  let received = 0;
  const link = openLink(handshake, protocols, clock, (event) => {
    if (event.direction === "in" && "data" in event) received += Buffer.byteLength(event.data);
  });
  void link.ended.then(() => gone.abort());
  await link.opened;
  if (!link.isOpen) return { problem: await refusalText(handshake, protocols, (await link.ended).failure) };
  return {
    gone: gone.signal,
    get received() {
      return received;
    },
    send: (data) => link.send(typeof data === "string" ? data : new Uint8Array(data)),
    async finish() {
      const isTaken = await link.flushed();
      link.close(1000, "");
      const { isOurs, code, reason, failure } = await link.ended;
      if (isOurs) return isTaken ? undefined : NOT_TAKEN;
      return failure === undefined ? `it closed with ${closeText(code, reason)}` : failureText(failure);
    },
  };
}

/** For a service to end after our FIN. */
const FAREWELL_MS = 2_000;

export interface Address {
  readonly host: string;
  readonly port: number;
}

export async function openTcp(address: Address, clock: Clock): Promise<Opened> {
  const socket = connectTcp({ ...address, allowHalfOpen: true, noDelay: true });
  const gone = new AbortController();
  let problem: string | undefined;
  let received = 0;
  socket.on("data", (chunk) => {
    received += chunk.length;
  });
  socket.on("error", (error) => {
    problem = error.message;
  });
  socket.on("close", () => gone.abort());
  await new Promise<void>((resolve) => {
    socket.once("connect", resolve);
    socket.once("close", resolve);
  });
  if (socket.destroyed) return { problem: problem ?? "the connection was closed" };
  return {
    gone: gone.signal,
    get received() {
      return received;
    },
    send: (data) => write(socket, data),
    async finish() {
      if (gone.signal.aborted) return problem ?? "it closed the connection";
      socket.end();
      await pause(clock, FAREWELL_MS, gone.signal);
      socket.destroy();
      return problem;
    },
  };
}

function write(socket: Socket, data: Data): Promise<void> {
  // Whatever became of it: an error has an event of its own.
  return new Promise((resolve) => socket.write(data, () => resolve()));
}
