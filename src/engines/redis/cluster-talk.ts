/**
 * What nodes tell each other: one channel of a system, each message `FROM KIND BODY`. At most once.
 * Bounds: MAX_BODY bytes a message, and MAX_UNANSWERED that Redis has not taken yet; what is beyond them, or finds no connection, is lost,
 * which whoever tells has to reckon with anyway. The link says in the log that it is down.
 */
import type { Subscription } from "../../engine.ts";
import type { Report } from "../in-process/down.ts";
import type { Home } from "./homes.ts";

export type HeardOf = (body: string, from: string) => void;

export interface Talk {
  readonly channel: string;
  tell(kind: string, body: string): void;
  hear(kind: string, heard: HeardOf): Subscription;
  close(): void;
}

/** A message is a hint to look at something, never the thing itself. */
const MAX_BODY = 64 * 1024;
const MAX_UNANSWERED = 1_000;

export const saidBy = (from: string, kind: string, body: string): string => `${from} ${kind} ${body}`;

export function createTalk(self: string, home: Home, report: Report): Talk {
  const channel = `${home.base}:told`;
  const hearers = new Map<string, ReadonlySet<HeardOf>>();
  let unanswered = 0;
  // Which server takes it may not be known, and that throws.
  const publish = async (text: string) => home.server.call("PUBLISH", [channel, text]);
  const listening = home.listen(channel, (payload) => {
    const [, from, kind, body] = /^(\S+) (\S+) (.*)$/s.exec(payload.toString()) ?? [];
    if (from === undefined || kind === undefined || body === undefined || from === self) return;
    for (const heard of hearers.get(kind) ?? []) {
      try {
        if (hearers.get(kind)?.has(heard)) heard(body, from);
      } catch (error) {
        report({ stage: "told", name: kind, error });
      }
    }
  });

  return {
    channel,
    tell(kind, body) {
      if (Buffer.byteLength(body) > MAX_BODY) {
        const error = new Error(`a message to other nodes has more than ${MAX_BODY} bytes`);
        return report({ stage: "told", name: kind, error });
      }
      if (unanswered >= MAX_UNANSWERED) return;
      unanswered += 1;
      publish(saidBy(self, kind, body))
        .catch(() => {})
        .finally(() => {
          unanswered -= 1;
        });
    },
    hear(kind, heard) {
      // A function of its own: the same one may hear twice.
      const own: HeardOf = (body, from) => heard(body, from);
      hearers.set(kind, new Set(hearers.get(kind)).add(own));
      return {
        close() {
          const rest = new Set(hearers.get(kind));
          rest.delete(own);
          if (rest.size > 0) hearers.set(kind, rest);
          else hearers.delete(kind);
        },
      };
    },
    close() {
      hearers.clear();
      listening.close();
    },
  };
}
