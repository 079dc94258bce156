/** A server that can be killed, behind links that can be, and sessions of the client library whose waits are short. */
import { onTestFinished } from "bun:test";
import { join } from "node:path";
import { connect, type Message, type Session } from "../../src/client/index.ts";
import type { Clock } from "../../src/client/timing.ts";
import { folder } from "../folder.ts";
import { startProxy, type TcpProxy } from "../tcp-proxy.ts";
import { type Program, start } from "./program.ts";

export type Kill = "reset" | "silence" | "kill -9";

export interface KillsHouse {
  /** A way to the server, which lasts while the server comes and goes. */
  way(): Promise<TcpProxy>;
  session(way: TcpProxy): Session;
  /** The server, or the links of this way, as they are. Resolves when there is a server again; links come by themselves. */
  kill(how: Kill, way: TcpProxy): Promise<void>;
  /** The topic's messages, from the server. */
  log(): Promise<readonly Message[]>;
}

export const TOPIC = "numbers";
const PATH = `/feed/${TOPIC}`;

/** What the library waits for takes a twentieth of its time; ages and deadlines of publishes are real. */
const SPEED = 20;
export const hurried: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms / SPEED);
    return { cancel: () => clearTimeout(timer) };
  },
};

export async function killsHouse(): Promise<KillsHouse> {
  const file = join(folder(), "fairlead.db");
  const ways: TcpProxy[] = [];
  let [server, port] = await begin();

  async function begin(): Promise<[Program, number]> {
    const script = join(import.meta.dir, "kills-server.ts");
    const program = start([process.execPath, script, file], { cwd: import.meta.dir });
    const [, at] = await program.says(/port (\d+)/);
    return [program, Number(at)];
  }

  const session = (way: TcpProxy): Session => {
    const made = connect(`ws://${way.host}${PATH}`, { clock: hurried });
    onTestFinished(() => made.close());
    return made;
  };

  return {
    async way() {
      const way = await startProxy(port);
      ways.push(way);
      onTestFinished(() => way[Symbol.dispose]());
      return way;
    },
    session,
    async kill(how, way) {
      if (how === "reset") way.reset();
      if (how === "silence") way.goSilent();
      if (how !== "kill -9") return;
      server.kill("SIGKILL");
      await server.ended();
      [server, port] = await begin();
      for (const each of ways) each.target = port;
    },
    async log() {
      const way = await startProxy(port);
      const reading = session(way);
      const messages: Message[] = [];
      for (let more = true; more; ) {
        const last = messages.at(-1);
        const since = last === undefined ? undefined : { epoch: last.epoch, offset: last.offset };
        const page = await reading.history(TOPIC, {
          since: since ?? { epoch: (await reading.history(TOPIC, { limit: 0 })).epoch, offset: 0 },
          limit: 1_000,
        });
        if (!page.complete) throw new Error("the history does not hold everything");
        messages.push(...page.messages);
        more = page.more;
      }
      way[Symbol.dispose]();
      return messages;
    },
  };
}

/** Silence takes a second and a half to be noticed, and a server half a second to start: so there are most of the first. */
const MIX: readonly Kill[] = ["reset", "kill -9", "reset", "silence", "reset", "kill -9"];

/** `count` ends in an order of their own each time. */
export function randomKills(count: number): readonly Kill[] {
  const kills = Array.from({ length: count }, (_, i) => MIX[i % MIX.length] ?? "reset");
  return kills
    .map((kill) => ({ kill, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ kill }) => kill);
}
