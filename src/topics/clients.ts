/**
 * What rooms and feeds have in common: their clients read topics and are members of them, plain ones of the path's topic, those
 * that speak fairlead.v1 by `sub`, `unsub`, `pub`, `who` and `history`.
 * The route says which topics a connection may read and what it may publish.
 */

import { lacks } from "../access.ts";
import type { Clock } from "../clock.ts";
import type { Connection, Publisher } from "../connection.ts";
import type { Idem, OutMessage, Presence, Topics } from "../engine.ts";
import type { May } from "../identity.ts";
import type { RouteCounters } from "../metrics.ts";
import { refusal } from "../refusals.ts";
import type { Admission, AdmitRequest, Reply, Subscribed } from "../route.ts";
import { refused } from "../session.ts";
import type { CloseCode } from "../wire/close-codes.ts";
import { errorFrame, historyFields, whoFields } from "../wire/frames.ts";
import { shown } from "../wire/shown.ts";
import type { Answer, Command, CommandOf, Payload, WireError } from "../wire/v1.ts";
import { PROTOCOL } from "../wire/v1.ts";
import type { PubResult } from "./conflate.ts";
import { type Hub, readerOf } from "./hub.ts";
import { createLateAnswers } from "./late-answers.ts";
import { fromOf, topicRefusal } from "./path.ts";
import { createRoutePresence, memberOf } from "./presence.ts";
import { forbiddenRefusal, readLacks, sinceFor, type Wanted } from "./rights.ts";
import { downOnly, Subscriptions, type SubscriptionsOptions } from "./subscriptions.ts";

/** What the URL says of the path's topic: `?since=EPOCH:OFFSET`, `?last=N`, `?presence=1`. */
export type PathSub = Omit<CommandOf<"sub">, "t" | "topic" | "id">;

/** What a connection reads, as its route keeps it. */
export interface Reading {
  drain(): void;
  leave(): void;
}

/** A connection that speaks fairlead.v1. */
export interface Speaker {
  /** The topic of the path. */
  readonly topic: string;
  readonly subscriptions: Subscriptions;
}

export interface TopicClientsOptions {
  readonly route: string;
  readonly hub: Hub;
  readonly topics: Topics;
  readonly counters: RouteCounters;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly presence: { readonly of: Presence; readonly max: number };
  /** Subscriptions of a connection; 0 = any number. */
  readonly maxSubscriptions: number;
  /** Why this connection may not read a topic or pattern. */
  readProblem?(own: string, topic: string): WireError | undefined;
  /** Why it may not publish this. */
  publishProblem?(own: string, topic: string, payload: Payload): WireError | undefined;
  publish(
    topic: string,
    message: OutMessage,
    done: (result: PubResult) => void,
    idem: Idem | undefined,
  ): void;
}

type Welcome = (sub: Subscribed) => void;

const DEFAULT_PAGE = 100;

export function createTopicClients(options: TopicClientsOptions) {
  const { hub, topics } = options;
  const { of, max } = options.presence;
  const presence = createRoutePresence({ ...options, presence: of, max, onTold: hub.note });
  const subscribing: SubscriptionsOptions = { ...options, presence, max: options.maxSubscriptions };

  const lateAnswers = createLateAnswers();

  function deny(problem: string | undefined): WireError | undefined {
    if (problem === undefined) return undefined;
    options.counters.denied += 1;
    return { code: "forbidden", message: problem };
  }

  function pub(connection: Connection, own: string, command: CommandOf<"pub">, reply: Reply): void {
    const { topic = own, data, json, key, idem: id, age } = command;
    const problem =
      deny(lacks(connection.may, "publish", topic)) ?? options.publishProblem?.(own, topic, command);
    if (problem !== undefined) {
      reply({ err: problem });
      return;
    }
    const message = { data, json, key, conn: connection.id, user: connection.user ?? undefined };
    const idem = id === undefined ? undefined : { id, age };
    let isLate = false;
    const done = (result: PubResult) => {
      if ("code" in result) options.counters.dropped.refused += 1;
      const answer = pubAnswer(topic, result);
      if (isLate) lateAnswers.add(connection, { reply, answer });
      else reply(answer);
    };
    options.publish(topic, message, done, idem);
    isLate = true;
  }

  async function history(command: CommandOf<"history">, reply: Reply): Promise<void> {
    const { topic, since, before, limit = DEFAULT_PAGE } = command;
    const query = { ...(since && { since }), ...(before && { before }), limit };
    reply({ okText: historyFields(await topics.history(topic, query)) });
  }

  async function who({ topic, after, limit = DEFAULT_PAGE }: CommandOf<"who">, reply: Reply): Promise<void> {
    reply({ okText: whoFields(await presence.who(topic, { after, limit })) });
  }

  function run(
    { subscriptions, topic: own }: Speaker,
    connection: Connection,
    command: Command,
    reply: Reply,
  ) {
    const { may } = connection;
    switch (command.t) {
      case "pub":
        return pub(connection, own, command, reply);
      case "unsub":
        return reply(unsubAnswer(subscriptions, command.topic));
      case "sub":
      case "who":
      case "history": {
        const problem = deny(commandLacks(may, command)) ?? options.readProblem?.(own, command.topic);
        if (problem !== undefined) return reply({ err: problem });
        if (command.t === "sub") return subscriptions.sub(withRights(may, command), reply);
        const asked = command.t === "who" ? who(command, reply) : history(command, reply);
        return asked.catch((error: unknown) => reply(downOnly(error)));
      }
      default:
        return reply(refused("unknown_command", `${command.t}: rooms and feeds have no such command`));
    }
  }

  return {
    /** A plain client reads one topic, from now on. */
    join(connection: Connection, topic: string, skipsOwn = false): Reading {
      const { id: conn } = connection;
      const membership = hub.join(topic, readerOf(connection, skipsOwn));
      presence.enter(topic, memberOf(connection));
      return {
        drain: membership.drain,
        leave() {
          membership.leave();
          presence.leave(topic, conn);
        },
      };
    },
    speaker: (connection: Connection, topic: string): Speaker => ({
      topic,
      subscriptions: new Subscriptions(connection, subscribing),
    }),
    /**
     * Subscribes the path's topic; the answer is the welcome. Without an engine there is nothing to welcome to. Who has shown a token only
     * now was let through by `admit`.
     */
    async open(
      connection: Connection,
      { subscriptions, topic }: Speaker,
      pathSub: PathSub,
      welcome: Welcome,
    ): Promise<void> {
      const sub = { ...pathSub, topic };
      const denied = deny(readLacks(connection.may, sub));
      if (denied !== undefined) giveUp(connection, denied, 3003);
      else
        await subscriptions.open(withRights(connection.may, sub), (start) => {
          if ("code" in start) giveUp(connection, { code: "engine_down", message: start.text }, 1013);
          else welcome({ topic, ...start });
        });
    },
    run,
    dispose: presence.dispose,
  };
}

function giveUp(connection: Connection, error: WireError, code: CloseCode): void {
  connection.send(errorFrame(undefined, error));
  connection.close(code, error.message);
}

function commandLacks(may: May, command: CommandOf<"sub" | "who" | "history">): string | undefined {
  if (command.t === "sub") return readLacks(may, command);
  return lacks(may, command.t === "who" ? "presence" : "history", command.topic);
}

function withRights<T extends Wanted & Pick<CommandOf<"sub">, "since">>(may: May, sub: T): T {
  return { ...sub, since: sinceFor(may, sub.topic, sub.since) };
}

function pubAnswer(topic: string, result: PubResult): Answer {
  if ("code" in result) return refused(result.code, result.text);
  if ("superseded" in result) return { ok: { topic, superseded: true } };
  return { published: { topic, epoch: result.epoch, offset: result.offset } };
}

function unsubAnswer(subscriptions: Subscriptions, topic: string): Answer {
  if (subscriptions.unsub(topic)) return { ok: {} };
  return refused("not_subscribed", `topic: this connection has no subscription ${shown(topic)}`);
}

/** Lets a reader of the path's topic in. Chooses fairlead.v1 where it is offered, and reads what its client wants of the topic. */
export function admitReader(request: AdmitRequest, topic: string): Admission {
  const { protocols, query, may } = request;
  const speaks = protocols.includes(PROTOCOL);
  const from = speaks ? fromOf(query, null) : {};
  if (typeof from === "string") return { refusal: refusal("bad_request", from) };
  const state: PathSub = { ...from, presence: speaks && query.get("presence") === "1" };
  const refused = topicRefusal(topic) ?? forbiddenRefusal(readLacks(may, { ...state, topic }));
  if (refused !== undefined) return { refusal: refused };
  return { admitted: speaks ? { protocol: PROTOCOL, state } : {} };
}
