import { expect, onTestFinished, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { listenLocally, MAX_CONNECTIONS } from "../../../src/cli/tunnel/listen.ts";
import { eventually } from "../../calm.ts";
import { bounded } from "../../raw-client.ts";
import { type FakeBridge, fakeBridge } from "./fake-bridge.ts";

function house() {
  const far: FakeBridge[] = [];
  const said: string[] = [];
  const open = (say: (line: string) => void, signal: AbortSignal) => {
    const fake = fakeBridge(signal);
    far.push(fake);
    say("open");
    return fake.bridge;
  };
  const local = listenLocally({ host: "127.0.0.1", port: 0 }, open, (text) => said.push(text));
  onTestFinished(() => local.stop());
  const dial = () => dialPort(local.port);
  return { far, said, local, dial };
}

interface Program {
  readonly socket: Socket;
  readonly text: () => string;
  has(text: string): Promise<void>;
  /** How it ended. */
  readonly ended: Promise<string>;
}

function dialPort(port: number): Program {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  let text = "";
  let failure = "closed";
  let look = () => {};
  socket.on("data", (bytes) => {
    text += bytes;
    look();
  });
  socket.on("error", (error: Error & { code?: string }) => {
    failure = error.code ?? error.message;
  });
  const ended = new Promise<string>((resolve) => socket.on("close", () => resolve(failure)));
  return {
    socket,
    text: () => text,
    has: (wanted) =>
      bounded(
        `the text ${wanted}`,
        new Promise((resolve) => {
          look = () => text === wanted && resolve();
          look();
        }),
      ),
    ended: bounded("the end of the connection", ended),
  };
}

const end = (socket: Socket) => new Promise<void>((resolve) => socket.once("end", resolve));

test("each connection has a bridge of its own, both ways, to both ends", async () => {
  const { dial, far, said } = house();
  const [one, two] = [dial(), dial()];
  one.socket.write("one");
  two.socket.write("two");
  await eventually(
    "two bridges",
    () =>
      far
        .map(({ heard }) => heard)
        .toSorted()
        .join() === "one,two",
  );
  for (const each of far) each.say(`you said ${each.heard}`);
  await Promise.all([one.has("you said one"), two.has("you said two")]);
  expect(said).toEqual(["connection 1: open", "connection 2: open"]);
  const ends = [end(one.socket), end(two.socket)];
  for (const each of far) each.end();
  await Promise.all(ends);
  one.socket.end();
  two.socket.end();
  expect(await Promise.all([one.ended, two.ended])).toEqual(["closed", "closed"]);
  await eventually("both ends at the services", () => far.every(({ hasEnd }) => hasEnd));
  expect(far.map(({ endedBy }) => endedBy)).toEqual([undefined, undefined]);
});

test("a bridge that is lost resets its connection, and no other", async () => {
  const { dial, far } = house();
  const [one, two] = [dial(), dial()];
  one.socket.write("x");
  two.socket.write("y");
  await eventually("two bridges", () => far.length === 2);
  far[0]?.lose(new Error("lost"));
  expect(await Promise.race([one.ended, two.ended])).toBe("ECONNRESET");
  far[1]?.say("z");
  await Promise.race([one.has("z"), two.has("z")]);
});

test("one connection more than may be open is reset, and told", async () => {
  const { dial, far, said } = house();
  const all = Array.from({ length: MAX_CONNECTIONS }, dial);
  await Promise.all(all.map(({ socket }) => new Promise((resolve) => socket.once("connect", resolve))));
  expect(await dial().ended).toBe("ECONNRESET");
  expect([far.length, said.at(-1)]).toEqual([
    MAX_CONNECTIONS,
    `connection ${MAX_CONNECTIONS + 1}: reset, ${MAX_CONNECTIONS} are open already`,
  ]);
});

test("stopping ends those who are there", async () => {
  const { dial, far, local } = house();
  const program = dial();
  program.socket.write("x");
  await eventually("a bridge", () => far[0]?.heard === "x");
  await local.stop();
  expect([await program.ended, String(far[0]?.endedBy)]).toEqual(["ECONNRESET", "Error: the tunnel stops"]);
});

test("a port that is taken is an error that names it", () => {
  const { local } = house();
  const again = () =>
    listenLocally(
      { host: "127.0.0.1", port: local.port },
      () => fakeBridge().bridge,
      () => {},
    );
  expect(again).toThrow(
    `127.0.0.1:${local.port} is in use by another program; choose another LISTEN address`,
  );
});
