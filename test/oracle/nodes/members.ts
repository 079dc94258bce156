/**
 * Members of a topic who come and go at all nodes, each with a list of the others that it makes as PROTOCOL.md says: who is there, and what is told on
 * top. Joins and leaves of a connection alternate, and in the end every list, and every node's answer, has those who are connected.
 */
import { PROTOCOL } from "../../../src/wire/v1.ts";
import { startProxy, type TcpProxy } from "../../tcp-proxy.ts";
import type { Chance } from "./chance.ts";

const MEMBERS = 6;

export interface Members {
  /** One of them does something. */
  act(): void;
  /** Whoever is away comes back. */
  gather(): void;
  /** Undefined: all lists are right. */
  wrong(): string | undefined;
  /** Connections that are open now. */
  readonly present: readonly string[];
  /** Joins and leaves that were told. */
  readonly told: number;
  /** Throws what does not fit. */
  check(): void;
  close(): void;
}

export interface MembersParts {
  /** Of a topic that nobody else is in, with `?presence=1`. */
  readonly path: string;
  readonly chance: Chance;
  anyHost(): string;
}

export async function createMembers({ path, chance, anyHost }: MembersParts): Promise<Members> {
  const proxies = await Promise.all(Array.from({ length: MEMBERS }, () => startProxy()));
  const members = proxies.map((proxy) => ({ proxy, link: undefined as Link | undefined }));
  let failure: unknown;
  let told = 0;

  function come(member: { readonly proxy: TcpProxy; link: Link | undefined }): void {
    member.proxy.target = Number(anyHost().split(":")[1]);
    const broken = (error: unknown) => {
      failure ??= error;
    };
    const heard = () => {
      told += 1;
    };
    member.link = openLink(`ws://${member.proxy.host}${path}`, heard, broken);
  }

  const isAway = ({ link }: { readonly link: Link | undefined }) => link === undefined || link.isOver();
  const present = () => members.flatMap(({ link }) => (link?.isOver() === false ? (link.conn() ?? []) : []));

  return {
    act() {
      const member = chance.pick(members);
      const what = chance.next();
      if (isAway(member)) come(member);
      else if (what < 0.03) member.proxy.reset();
      else if (what < 0.06) member.link?.close();
    },
    gather() {
      for (const member of members) if (isAway(member)) come(member);
    },
    wrong() {
      if (members.some(isAway)) return "somebody is away";
      const right = present().toSorted().join(" ");
      if (present().length < MEMBERS) return "somebody has no welcome yet";
      const wrong = members.find(({ link }) => link?.list()?.toSorted().join(" ") !== right)?.link;
      return wrong && `${wrong.conn()} has ${wrong.list()?.toSorted().join(" ")} instead of ${right}`;
    },
    get present() {
      return present();
    },
    get told() {
      return told;
    },
    check() {
      if (failure !== undefined) throw failure;
    },
    close() {
      for (const { link } of members) link?.close();
      for (const proxy of proxies) proxy[Symbol.dispose]();
    },
  };
}

interface Link {
  isOver(): boolean;
  /** Its own name, once it is welcome. */
  conn(): string | undefined;
  /** Undefined until it knows. */
  list(): readonly string[] | undefined;
  close(): void;
}

type Frame = Readonly<Record<string, unknown>>;

function openLink(url: string, heard: () => void, broken: (error: unknown) => void): Link {
  const socket = new WebSocket(url, [PROTOCOL]);
  const base = new Set<string>();
  const isIn = new Map<string, boolean>();
  let conn: string | undefined;
  let topic = "";
  let isWhole = false;
  let isOver = false;

  const ask = (after: string | undefined) =>
    socket.send(JSON.stringify({ t: "who", id: base.size + 1, topic, limit: 1_000, after }));

  function take(frame: Frame): void {
    if (frame["t"] === "welcome") {
      conn = String(frame["conn"]);
      topic = (frame["sub"] as { readonly topic: string }).topic;
      ask(undefined);
    } else if (frame["t"] === "ok") {
      const page = frame["members"] as { readonly conn: string }[];
      for (const member of page) base.add(member.conn);
      isWhole = frame["complete"] === true;
      if (!isWhole) ask(page.at(-1)?.conn);
    } else if (frame["t"] === "err" && frame["code"] === "engine_down") {
      // It has no list, and asks as a whole again.
      socket.close();
    } else if (frame["t"] === "join" || frame["t"] === "leave") {
      heard();
      const who = String(frame["conn"]);
      const joins = frame["t"] === "join";
      if (isIn.get(who) === joins) throw new Error(`${frame["t"]} of ${who} was told twice to ${conn}`);
      isIn.set(who, joins);
    } else if (frame["t"] !== "drain" && frame["t"] !== "gap")
      throw new Error(`a member was told ${JSON.stringify(frame)}`);
  }

  socket.onmessage = ({ data }: MessageEvent<string>) => {
    try {
      take(JSON.parse(data));
    } catch (error) {
      broken(error);
    }
  };
  socket.onclose = () => {
    isOver = true;
  };
  return {
    isOver: () => isOver,
    conn: () => conn,
    list() {
      if (!isWhole) return undefined;
      const all = new Set([...base, ...isIn.keys()]);
      return [...all].filter((each) => isIn.get(each) ?? base.has(each));
    },
    close: () => socket.close(),
  };
}
