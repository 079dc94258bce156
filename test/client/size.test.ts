/** What the library costs a page, as its bundler would count it. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { folder } from "../folder.ts";

const KIB = 1024;
const at = (entry: string) => join(import.meta.dir, "../../src/client", entry);

/** Bytes of a program that uses these names, minified and gzipped. */
async function sizeOf(names: string, entry = "index.ts"): Promise<number> {
  const page = folder({ "page.js": `export { ${names} } from ${JSON.stringify(at(entry))};\n` });
  const built = await Bun.build({ entrypoints: [join(page, "page.js")], minify: true, target: "browser" });
  const [output] = built.outputs;
  if (output === undefined) throw new Error(built.logs.join("\n"));
  return Bun.gzipSync(await output.arrayBuffer(), { level: 9 }).length;
}

test("all of it has at most 8 KiB", async () => {
  expect(await sizeOf("connect, ReconnectingSocket, FairleadClientError")).toBeLessThanOrEqual(8 * KIB);
});

test("ReconnectingSocket alone has at most 3 KiB", async () => {
  const alone = await sizeOf("ReconnectingSocket");
  expect(alone).toBeLessThanOrEqual(3 * KIB);
  expect(alone).toBeGreaterThan(KIB);
});

test("a page that opens bridges and nothing else has at most 6 KiB", async () => {
  expect(await sizeOf("openBridge, FairleadClientError", "bridge.ts")).toBeLessThanOrEqual(6 * KIB);
});

test("a page that is a peer of a relay and nothing else has at most 7 KiB", async () => {
  expect(await sizeOf("openRelay, FairleadClientError", "relay.ts")).toBeLessThanOrEqual(7 * KIB);
});
