/**
 * A gateway whose disk fills up while clients publish and listen, and has room again. The disk is a limit of the process on the size
 * of its files: the system refuses a write like a full disk does.
 */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { main, run } from "../cli/fairlead.ts";
import { folder } from "../folder.ts";
import { requires } from "../requires.ts";
import { type Program, start, within } from "./program.ts";

const BODY = "x".repeat(8_000);

/** `text`: what a refusal says. */
async function publish(host: string): Promise<{ status: number; offset: number; text: string }> {
  const headers = { "Content-Type": "text/plain" };
  const response = await fetch(`http://${host}/`, { method: "POST", body: BODY, headers });
  const text = await response.text();
  return { status: response.status, offset: response.ok ? JSON.parse(text).offset : 0, text };
}

/** Tries until it gets another answer; its last. */
async function until<T>(seconds: number, ask: () => Promise<T>, isIt: (answer: T) => boolean): Promise<T> {
  const end = performance.now() + seconds * 1000;
  for (let answer = await ask(); ; answer = await ask()) {
    if (isIt(answer)) return answer;
    if (performance.now() > end) throw new Error(`after ${seconds} s: ${JSON.stringify(answer)}`);
    await Bun.sleep(20);
  }
}

async function listening(host: string): Promise<{ count: () => number; close: () => void }> {
  const socket = new WebSocket(`ws://${host}/`);
  let count = 0;
  socket.onmessage = ({ data }) => {
    if (data === BODY) count += 1;
  };
  await within(5, new Promise((done) => socket.addEventListener("open", done)), () => "no connection");
  return { count: () => count, close: () => socket.close() };
}

const serveWith = (command: readonly string[]) => start(command, { cwd: folder() });
const address = async (program: Program) => (await program.says(/listens on http:\/\/(\S+)/))[1] ?? "";

requires("prlimit")(
  "refuses with 503 while the disk is full, says so, keeps its readers, and goes on by itself when there is room",
  async ({ prlimit }) => {
    const command = [main, "feed", "--no-source", "--publish", "--engine-sqlite", "f.db", "--port", "0"];
    const quoted = [process.execPath, ...command].map((word) => `'${word}'`).join(" ");
    const program = serveWith(["sh", "-c", `ulimit -S -f 2000; exec ${quoted}`]);
    const host = await address(program);
    const reader = await listening(host);
    const ready = () => fetch(`http://${host}/readyz`);

    let accepted = 0;
    const full = await until(
      20,
      async () => {
        const answer = await publish(host);
        if (answer.status === 200) accepted = answer.offset;
        return answer;
      },
      ({ status }) => status !== 200,
    );
    expect(full).toMatchObject({ status: 503, text: expect.stringContaining("engine_down") });
    expect(accepted).toBeGreaterThan(10);
    const answer = await ready();
    expect([answer.status, await answer.text()]).toEqual([
      503,
      expect.stringMatching(/^not ready: the engine cannot write: /),
    ]);
    await program.says(/! the engine cannot write/);
    const late = await listening(host);
    const page = await fetch(`http://${host}/?limit=5`, { headers: { Accept: "application/json" } });
    expect(await page.json()).toMatchObject({ offset: accepted });

    Bun.spawnSync([prlimit, "--pid", String(program.pid), "--fsize=unlimited"]);
    await until(10, ready, ({ status }) => status === 200);
    expect(await publish(host)).toMatchObject({ status: 200, offset: accepted + 1 });
    await program.says(/the engine takes messages again/);
    await until(
      5,
      async () => [reader.count(), late.count()],
      ([all, one]) => all === accepted + 1 && one === 1,
    );
    for (const { close } of [reader, late]) close();
    program.kill("SIGTERM");
    expect(await program.ended(15)).toBe(0);
  },
  60_000,
);

test("ends with 1 and one line, if another gateway has the file open", async () => {
  const file = join(folder(), "f.db");
  const options = ["feed", "--engine-sqlite", file, "--port", "0"];
  await address(serveWith([process.execPath, main, ...options]));
  const second = run(options);
  expect(second.code).toBe(1);
  expect(second.talk).toMatch(
    /^fairlead: cannot open .*f\.db \(SQLITE_BUSY\): another process has it open; .*\n$/,
  );
});
