/** `fairlead/client` as its users get it: from the tarball, without Bun and without its types. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requires } from "../requires.ts";
import { project } from "./clone.ts";
import { start } from "./program.ts";

const MINUTE = 60_000;
const home = realpathSync(mkdtempSync(join(tmpdir(), "fairlead-client-package-")));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const run = (...command: string[]) => {
  const { exitCode, stderr } = Bun.spawnSync(command, { cwd: project });
  if (exitCode !== 0) throw new Error(`${command.join(" ")} ended with ${exitCode}:\n${stderr}`);
};

/** A project that has this package and nothing else. */
beforeAll(async () => {
  run("npm", "pack", "--silent", "--pack-destination", home);
  const [tarball = ""] = readdirSync(home);
  run("tar", "xzf", join(home, tarball), "-C", home);
  mkdirSync(join(home, "node_modules"));
  renameSync(join(home, "package"), join(home, "node_modules/fairlead"));
  await Bun.write(join(home, "package.json"), '{"type":"module"}');
}, 2 * MINUTE);

const PAGE = `import { connect, type Item, ReconnectingSocket, type Session } from "fairlead/client";
import { type Bridge, type FairleadClientError, openBridge } from "fairlead/client/bridge";
import { openRelay, type Partner, type Relay } from "fairlead/client/relay";

const token = async (signal: AbortSignal) => String(signal.aborted);
const session: Session = connect("/feed/prices", { WebSocket, token });
const show = (item: Item) => {
  if (item.type === "message") console.log(item.offset, item.data);
};
session.subscribe("prices.*", { last: 1, presence: true }).listen(show);
const published = await session.publish("prices.AAPL", { price: 1 });
if (!published.superseded) console.log(published.offset);

// Whatever takes a WebSocket, or its constructor, takes this one.
const socket: WebSocket = new ReconnectingSocket(() => "/echo", [], { WebSocket });
const Socket: typeof WebSocket = ReconnectingSocket;
socket.onmessage = ({ data }) => console.log(data, Socket.OPEN);

// A bridge goes wherever streams go.
const bridge: Bridge = openBridge("/tcp", { WebSocket, token, patience: 0 });
const text: ReadableStream<string> = bridge.readable.pipeThrough(new TextDecoderStream());
const upper = new TransformStream<Uint8Array, Uint8Array>();
text.pipeThrough(new TextEncoderStream()).pipeThrough(upper).pipeTo(bridge.writable);
bridge.closed.catch((error: FairleadClientError) => console.log(error.code));

const relay: Relay = openRelay("/relay", { WebSocket, token, group: "door-7", role: "center" });
relay.onPartner(({ state, info }: Partner) => console.log(state, info));
await relay.send({ open: true }, { ttl: 5_000 });
for await (const { data, from, seq, type } of relay) console.log(data, from, seq, type);
`;

for (const module of ["nodenext", "preserve"]) {
  test(
    `a page type-checks with the types of the DOM alone, under module ${module}`,
    async () => {
      const checks = { strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false, noEmit: true };
      const compilerOptions = { ...checks, target: "esnext", lib: ["esnext", "dom"], types: [], module };
      await Bun.write(join(home, "page.ts"), PAGE);
      await Bun.write(join(home, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["page.ts"] }));
      const program = start([join(project, "node_modules/.bin/tsc"), "-p", "."], { cwd: home });
      await program.ended(30);
      expect(program.output()).toBe("");
    },
    MINUTE,
  );
}

test("a bundler drops the session for one who wants the socket only", async () => {
  const page = join(home, "page.js");
  await Bun.write(page, 'export { ReconnectingSocket } from "fairlead/client";');
  const { outputs } = await Bun.build({ entrypoints: [page], minify: true, target: "browser" });
  const text = (await outputs[0]?.text()) ?? "";
  expect(text).toContain("close reason");
  expect(text).not.toContain("fairlead.v1");
});

requires("node")("Node imports it; where it has no WebSocket, connect says what to do", async () => {
  const text = `import { connect } from "fairlead/client";
delete globalThis.WebSocket;
try {
  connect("ws://127.0.0.1:9/");
} catch (error) {
  console.log(error.message);
}`;
  const program = start(["node", "--input-type=module", "-e", text], { cwd: home });
  expect(await program.ended()).toBe(0);
  expect(program.output()).toContain("give options.WebSocket");
});
