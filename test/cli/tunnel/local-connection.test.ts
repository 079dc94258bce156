import { expect, test } from "bun:test";
import { LocalConnection, type LocalSocket } from "../../../src/cli/tunnel/local-connection.ts";
import { type FakeBridge, fakeBridge, settle } from "./fake-bridge.ts";

interface House {
  readonly connection: LocalConnection;
  readonly far: FakeBridge;
  /** What the program was told. */
  readonly told: () => string;
  /** What was done with its socket, in order. */
  readonly done: string[];
  /** Bytes that the socket takes of a write; negative: it is broken. */
  room: number;
}

function house(): House {
  const done: string[] = [];
  let told = "";
  const on = (name: string) => () => void done.push(name);
  const socket = {
    write(bytes: Uint8Array) {
      const taken = Math.min(state.room, bytes.length);
      told += new TextDecoder().decode(bytes.subarray(0, Math.max(0, taken)));
      return taken;
    },
    pause: on("pause"),
    resume: on("resume"),
    shutdown: on("shutdown"),
    end: on("end"),
    terminate: on("terminate"),
    setNoDelay: () => true,
  } as unknown as LocalSocket;
  let far: FakeBridge | undefined;
  const connection = new LocalConnection(socket, (signal) => {
    far = fakeBridge(signal);
    return far.bridge;
  });
  if (far === undefined) throw new Error("no bridge was opened");
  const state: House = { connection, far, told: () => told, done, room: Number.POSITIVE_INFINITY };
  return state;
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

test("bytes go both ways, and either side's end ends its direction only", async () => {
  const { connection, far, told, done } = house();
  connection.data(bytesOf("to the service"));
  far.say("to the program");
  await settle();
  expect([far.heard, told(), far.hasEnd, done]).toEqual(["to the service", "to the program", false, []]);
  far.end();
  await settle();
  expect(done).toEqual(["shutdown"]);
  connection.data(bytesOf(", still"));
  connection.end();
  await connection.done;
  expect([far.heard, far.hasEnd, done]).toEqual(["to the service, still", true, ["shutdown", "end"]]);
});

test("a connection that the system closes after both ends is over, not lost", async () => {
  const { connection, far, done } = house();
  far.end();
  await settle();
  connection.close(undefined);
  await connection.done;
  expect([far.endedBy, far.hasEnd, done]).toEqual([undefined, true, ["shutdown", "end"]]);
});

test("a program that takes nothing makes the bridge wait, and gets the rest when it takes again", async () => {
  const state = house();
  state.room = 3;
  state.far.say("abcdef");
  state.far.say("gh");
  await settle();
  expect(state.told()).toBe("abc");
  state.room = 100;
  state.connection.drain();
  await settle();
  expect(state.told()).toBe("abcdefgh");
});

test("a bridge that takes nothing stops the reading of the program at 256 KiB", async () => {
  const { connection, far, done } = house();
  far.hold();
  connection.data(new Uint8Array(256 * 1024));
  expect(done).toEqual([]);
  connection.data(new Uint8Array(1));
  expect(done).toEqual(["pause"]);
  far.flow();
  await settle();
  expect(done).toEqual(["pause", "resume"]);
});

test("a bridge that is lost resets the program's connection, after what came before", async () => {
  const { connection, far, told, done } = house();
  far.say("last words");
  await settle();
  far.lose(new Error("lost"));
  await connection.done;
  expect([told(), done]).toEqual(["last words", ["terminate"]]);
});

test("a bridge that is lost after its service has ended resets it, too: what the program said was not delivered", async () => {
  const { connection, far, done } = house();
  far.end();
  await settle();
  far.lose(new Error("lost"));
  await connection.done;
  expect(done).toEqual(["shutdown", "terminate"]);
});

test("a program that goes away ends its bridge", async () => {
  const { connection, far } = house();
  connection.data(bytesOf("x"));
  connection.close(undefined);
  await connection.done;
  expect(String(far.endedBy)).toContain("the local program went away");
});

test("a program that is reset after its service has ended has not said all", async () => {
  const { connection, far } = house();
  far.end();
  await settle();
  connection.close(new Error("ECONNRESET"));
  await connection.done;
  expect([far.hasEnd, String(far.endedBy)]).toEqual([false, "Error: the local program went away"]);
});

test("a program that goes away while the bridge waits for it ends it, too", async () => {
  const state = house();
  state.room = 0;
  state.far.say("abc");
  await settle();
  state.connection.close(undefined);
  await state.connection.done;
  expect(String(state.far.endedBy)).toContain("went away");
});

test("a program that takes nothing is not waited for when the tunnel stops", async () => {
  const state = house();
  state.room = 0;
  state.far.say("abc");
  await settle();
  state.connection.abort("the tunnel stops");
  await state.connection.done;
  expect([String(state.far.endedBy), state.done]).toEqual(["Error: the tunnel stops", ["terminate"]]);
});

test("a socket that takes no more bytes ends the bridge", async () => {
  const state = house();
  state.room = -1;
  state.far.say("abc");
  await state.connection.done;
  expect([String(state.far.endedBy), state.done]).toEqual(["a reader left", ["terminate"]]);
});
