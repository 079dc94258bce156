/** One who publishes through a node and is told how each ends. It sends nothing twice, and comes back when its link is lost. */

import { FairleadClientError } from "../../../src/client/errors.ts";
import { connect as openSession } from "../../../src/client/index.ts";
import { type Position, PROTOCOL } from "../../../src/wire/v1.ts";
import { hurried } from "../../system/kills-house.ts";
import type { Fate } from "./books.ts";

export interface Writer {
  /** Rejects where an answer is owed and does not come. */
  publish(text: string): Promise<Fate>;
  close(): void;
}

/** Longer than the longest trouble: after it an open link owes an answer. */
const PATIENCE = 15_000;

/** `urlOf` is asked at each connection. */
export function createRawWriter(urlOf: () => string): Writer {
  let link: ReturnType<typeof openLink> | undefined;
  return {
    publish(text) {
      if (link === undefined || link.isOver()) link = openLink(urlOf());
      return link.publish(text);
    },
    close: () => link?.close(),
  };
}

function openLink(url: string) {
  const socket = new WebSocket(url, [PROTOCOL]);
  const waiting = new Map<number, (fate: Fate) => void>();
  const unsent: string[] = [];
  let lastId = 0;
  let isOver = false;
  socket.onopen = () => {
    for (const frame of unsent.splice(0)) socket.send(frame);
  };
  socket.onmessage = ({ data }: MessageEvent<string>) => {
    const frame = JSON.parse(data);
    const { id, epoch, offset } = frame;
    if (frame.t === "ok") waiting.get(id)?.({ kind: "said", position: { epoch, offset } });
    if (frame.t === "err") waiting.get(id)?.(fateOf(frame.code));
  };
  socket.onclose = () => {
    isOver = true;
    for (const end of waiting.values()) end({ kind: "unknown" });
  };
  return {
    isOver: () => isOver,
    close: () => socket.close(),
    publish(data: string): Promise<Fate> {
      lastId += 1;
      const id = lastId;
      const { promise, resolve, reject } = Promise.withResolvers<Fate>();
      const late = () => reject(new Error(`no answer to ${data.slice(0, 10)} within ${PATIENCE} ms`));
      const timer = setTimeout(late, PATIENCE);
      waiting.set(id, (fate) => {
        clearTimeout(timer);
        waiting.delete(id);
        resolve(fate);
      });
      const frame = JSON.stringify({ t: "pub", id, data });
      if (socket.readyState === WebSocket.OPEN) socket.send(frame);
      else unsent.push(frame);
      return promise;
    },
  };
}

/** The library: it asks again, under a name that makes it happen once. */
export function createLibraryWriter(urlOf: () => string): Writer {
  const session = openSession(urlOf, { clock: hurried });
  return {
    async publish(text) {
      try {
        const published = await session.publish(text);
        if (published.superseded) return { kind: "unknown" };
        return { kind: "said", position: placeOf(published) };
      } catch (error) {
        if (!(error instanceof FairleadClientError)) throw error;
        return error.code === "closed" ? { kind: "unknown" } : fateOf(error.code);
      }
    },
    close: () => session.close(),
  };
}

/** `gone` is the server's word for what the library calls `unknown`. */
const fateOf = (code: string): Fate =>
  code === "gone" || code === "unknown" ? { kind: "unknown" } : { kind: "refused", code };

const placeOf = ({ epoch, offset }: Position): Position => ({ epoch, offset });
