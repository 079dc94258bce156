// Starts Redis and three nodes. Ann speaks and Bob listens, each on a node; both nodes are killed, one after the other.
// Ends by itself: with 0 when Bob has heard everything, once and in order, else with 1.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type Session } from "fairlead/client";

const MESSAGES = 300;
const PAUSE_MS = 10;
const PATIENCE_MS = 20_000;

const server = Bun.which("redis-server") ?? Bun.which("valkey-server");
if (server === null) {
  console.error("This needs redis-server or valkey-server.");
  process.exit(1);
}
const folder = mkdtempSync(join(tmpdir(), "fairlead-cluster-"));
const redis = join(folder, "redis.sock");
const programs: Bun.Subprocess[] = [
  Bun.spawn([server, "--port", "0", "--unixsocket", redis, "--save", "", "--dir", folder], {
    stdout: "ignore",
  }),
];
process.on("exit", () => {
  for (const program of programs) program.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

/** One gateway, with the config of all and a free port. */
async function startNode(name: string) {
  const launcher = join(import.meta.dir, "../../bin/fairlead.mjs");
  const config = join(import.meta.dir, "fairlead.yaml");
  const program = Bun.spawn(
    [process.execPath, launcher, "--config", config, "--node", name, "--port", "0", "--log-level", "warn"],
    { env: { ...process.env, FAIRLEAD_ENGINE__REDIS: `unix://${redis}` }, stdout: "pipe" },
  );
  programs.push(program);
  let said = "";
  for await (const bytes of program.stdout) {
    said += new TextDecoder().decode(bytes);
    const [, host] = /listens on http:\/\/(\S+)/.exec(said) ?? [];
    if (host !== undefined) return { name, program, url: `ws://${host}/room/lobby` };
  }
  throw new Error(`${name} did not start: ${said}`);
}

const nodes = await Promise.all(["node-1", "node-2", "node-3"].map(startNode));

/** In earnest all have one address, of a load balancer. Here each attempt goes to the next node. */
function visit(who: string, first: number): Session {
  let attempts = first;
  const session = connect(() => nodes[attempts++ % nodes.length]?.url ?? "");
  session.onStatus((status) => {
    if (status.type === "open") console.log(`${who} is on ${status.node}`);
    if (status.type === "away") console.log(`${who} has lost the connection, or found none`);
  });
  return session;
}

/** The node that a session is on. */
function kill(session: Session): void {
  const { status } = session;
  const node = nodes.find(({ name }) => status.type === "open" && status.node === name);
  console.log(`kill -9 ${node?.name}`);
  node?.program.kill("SIGKILL");
}

const bob = visit("bob", 0);
const ann = visit("ann", 1);
const heard: unknown[] = [];
const room = bob.subscribe();
const reading = room.listen((item) => {
  if (item.type === "gap") console.log("bob is told that messages are missing");
  if (item.type === "message") heard.push(item.data);
  if (heard.length === MESSAGES) bob.close();
});

/** It does not wait for the answers: what was sent while its node died is sent again, and happens once. */
const answers: Promise<unknown>[] = [];
await Promise.all([room.ready, ann.ping()]);
for (let n = 1; n <= MESSAGES; n++) {
  answers.push(ann.publish(n));
  if (n === MESSAGES / 3) kill(bob);
  if (n === (2 * MESSAGES) / 3) kill(ann);
  await Bun.sleep(PAUSE_MS);
}
await Promise.all(answers);
const late = setTimeout(() => bob.close(), PATIENCE_MS);
await reading;
clearTimeout(late);
ann.close();

const isWhole = heard.length === MESSAGES && heard.every((data, index) => data === index + 1);
console.log(
  `bob has heard ${heard.length} of ${MESSAGES} messages${isWhole ? ", once and in order" : ": WRONG"}`,
);
process.exit(isWhole ? 0 : 1);
