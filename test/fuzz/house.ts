/** The gateway that is fuzzed as the fuzzer sees it: where it is, whether it lives, and what it says of itself. */
import { bounded, frame, OPCODE, upgrade } from "../raw-client.ts";
import type { State } from "./server.ts";

export interface House extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** `127.0.0.1:PORT` of the service behind its bridges. */
  readonly target: string;
  /** How its process ended; undefined while it lives. */
  readonly death: string | undefined;
  state(): Promise<State>;
  /** Throws when an honest client is not served as ever. */
  serveNext(): Promise<void>;
  /** Resolves when nobody is connected any more; throws when somebody stays. */
  emptied(): Promise<void>;
}

export async function openHouse(): Promise<House> {
  const started = Promise.withResolvers<{ readonly port: number; readonly target: string }>();
  const asking: ((state: State) => void)[] = [];
  let death: string | undefined;
  const server = Bun.spawn([process.execPath, `${import.meta.dir}/server.ts`], {
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
    ipc(message: State | { readonly port: number; readonly target: string }) {
      if ("port" in message) started.resolve(message);
      else asking.shift()?.(message);
    },
    onExit(_, code, signal) {
      death = `the gateway's process ended with ${signal ?? code}`;
      started.reject(new Error(death));
    },
  });
  const { port, target } = await bounded("the gateway's port", started.promise);
  const host = `127.0.0.1:${port}`;

  return {
    host,
    target,
    get death() {
      return death;
    },
    state() {
      const { promise, resolve } = Promise.withResolvers<State>();
      asking.push(resolve);
      server.send("state");
      return bounded("the gateway's state", promise);
    },
    async serveNext() {
      using client = await upgrade(host);
      client.write(frame("next, please"));
      let heard = await client.next();
      while (heard.opcode === OPCODE.ping) heard = await client.next();
      if (`${heard.payload}` !== "next, please")
        throw new Error(`an honest client was told ${heard.payload}`);
    },
    async emptied() {
      const end = performance.now() + 8_000;
      for (let left = await inUse(host); left.length > 0; left = await inUse(host)) {
        if (performance.now() > end) throw new Error(`after 8 s there still was: ${left.join(", ")}`);
        await new Promise((done) => setTimeout(done, 20));
      }
    },
    async [Symbol.asyncDispose]() {
      server.kill("SIGKILL");
      await server.exited;
    },
  };
}

/** Series that are zero in a house where nobody is. */
const IN_USE =
  /^fairlead_(?:connections|event_streams|descriptors_used|route_errors_total|bridge_streams)(?:\{.*\})? [1-9]\d*$/gm;

async function inUse(host: string): Promise<string[]> {
  const text = await (await fetch(`http://${host}/metrics`)).text();
  return text.match(IN_USE) ?? [];
}
