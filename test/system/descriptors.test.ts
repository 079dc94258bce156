/** A process that may open few files, and clients that hold what the gateway has closed: the runtime keeps such a socket for up to 4 s. */
import { describe, expect } from "bun:test";
import { readdirSync } from "node:fs";
import { eventually } from "../calm.ts";
import { main } from "../cli/fairlead.ts";
import { folder } from "../folder.ts";
import { ask, closePayload, dial, frame, head, OPCODE, type RawClient, upgrade } from "../raw-client.ts";
import { requires } from "../requires.ts";
import { start } from "./program.ts";

const NOFILE = 128;
const config = JSON.stringify({ listen: { port: 0 }, routes: { "/echo": { kind: "echo", welcome: false } } });

async function startUnder(prlimit: string) {
  const command = [prlimit, `--nofile=${NOFILE}`, process.execPath, main, "serve"];
  const program = start(command, { cwd: folder({ "fairlead.json": config }) });
  const [, host = ""] = await program.says(/listens on http:\/\/(\S+)/);
  return { host, open: () => readdirSync(`/proc/${program.pid}/fd`).length };
}

/** Ends its WebSocket and keeps the TCP connection. */
async function linger(host: string): Promise<RawClient | undefined> {
  const client = await dial(host);
  client.write(head());
  if ((await client.answer()).status !== 101) return undefined;
  client.write(frame(closePayload(1000), { opcode: OPCODE.close }));
  await client.ending();
  return client;
}

describe("with few descriptors", () => {
  requires("prlimit")(
    "clients that hold what has been closed are refused before the last one is gone, and then let in again",
    async ({ prlimit }) => {
      const { host, open } = await startUnder(prlimit);
      const held: (RawClient | undefined)[] = [];
      let most = 0;
      for (let round = 0; round < 15; round += 1) {
        held.push(...(await Promise.all(Array.from({ length: 10 }, () => linger(host)))));
        most = Math.max(most, open());
      }
      expect(held.includes(undefined)).toBe(true);
      expect(most).toBeWithin(NOFILE / 2, NOFILE - 4);
      expect((await ask(host)).body).toStartWith("full: ");
      await eventually("let in again", async () => (await ask(host)).status === 101);
      for (const client of held) client?.reset();
      using last = await upgrade(host);
      last.write(frame("served"));
      expect((await last.next()).payload.toString()).toBe("served");
    },
  );
});
