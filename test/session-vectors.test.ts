/** The vectors of commands on real sockets: what a client may say is understood there too, and what it may not is told the same way. */
import { expect, test } from "bun:test";
import { connect, startGateway } from "./gateway.ts";
import { type FrameVector, frameOf, readVectors } from "./vectors.ts";

interface CommandVector extends FrameVector {
  readonly command?: { readonly t: string; readonly id?: number };
  readonly error?: { readonly id?: number; readonly code: string; readonly says: string };
}

const vectors = readVectors<CommandVector>("commands");
const FEED = { kind: "feed", publish: true, welcome: false } as const;

async function answerTo(url: string, vector: CommandVector): Promise<Record<string, unknown>> {
  using client = await connect(url, ["fairlead.v1"]);
  await client.next(); // welcome
  const frame = frameOf(vector);
  client.send(typeof frame === "string" ? frame : new Uint8Array(frame));
  for (;;) {
    const said = await client.next();
    const fields = typeof said === "string" ? JSON.parse(said) : { t: "msg" };
    if (fields.t === "ok" || fields.t === "err") return fields;
  }
}

test("a server answers each wrong command of the vectors with its error", async () => {
  await using gateway = await startGateway({ "/feed": FEED });
  for (const vector of vectors) {
    const { name, error } = vector;
    if (error === undefined) continue;
    const answer = await answerTo(gateway.ws("/feed"), vector);
    const message = expect.stringContaining(error.says);
    const expected = { t: "err", code: error.code, message, ...(error.id && { id: error.id }) };
    expect({ name, ...answer }).toEqual({ name, ...expected });
  }
});

test("a server finds nothing wrong with the others, where they have an id to be answered by", async () => {
  await using gateway = await startGateway({ "/feed": FEED, "/echo": { kind: "echo" } });
  const asked = vectors.filter(({ command }) => command?.id !== undefined && command.t !== "auth");
  expect(asked.length).toBeGreaterThan(8);
  for (const vector of asked) {
    const path = vector.command?.t === "msg" ? "/echo" : "/feed";
    const { t, id, code } = await answerTo(gateway.ws(path), vector);
    // To understand a command is not to have what it names.
    const fits = t === "ok" || code === "not_subscribed" || code === "gone";
    expect([vector.name, id, fits]).toEqual([vector.name, vector.command?.id, true]);
  }
});
