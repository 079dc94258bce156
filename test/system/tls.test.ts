/** Certificates under the program itself, by its own clock: one that is replaced, and one that it makes. */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { folder } from "../folder.ts";
import { connect } from "../gateway.ts";
import { makePair } from "../made-certificate.ts";
import { dialTls, replaceByRename } from "../tls-house.ts";
import { project } from "./clone.ts";
import { start, within } from "./program.ts";

const LISTENS = /Fairlead listens on https:\/\/127\.0\.0\.1:(\d+)/;

async function subject(port: number): Promise<string> {
  const socket = await dialTls(port);
  const { subject: name } = socket.getPeerCertificate();
  socket.destroy();
  return String(name.CN);
}

test("a certificate that is replaced is served within 6 s, and who was connected still is", async () => {
  const [first, second] = await Promise.all([makePair("first"), makePair("second")]);
  const at = folder({ "cert.pem": first.cert, "key.pem": first.key });
  const files = { cert: join(at, "cert.pem"), key: join(at, "key.pem") };
  const flags = ["--tls-cert", files.cert, "--tls-key", files.key, "--port", "0", "--no-welcome"];
  const program = start(["node", "bin/fairlead.mjs", "echo", ...flags], { cwd: project });
  const port = Number((await program.says(LISTENS))[1]);
  using before = await connect(`wss://127.0.0.1:${port}/`, [], { rejectUnauthorized: false });
  writeFileSync(files.key, "half a k");
  replaceByRename(files, second);
  async function replaced(): Promise<void> {
    while ((await subject(port)) !== "second") await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await within(8, replaced(), () => "the new certificate is not served");
  before.send("still here");
  expect(await before.next()).toBe("still here");
}, 30_000);

test("--dev-tls serves a certificate that is told with its fingerprint", async () => {
  const flags = ["--dev-tls", "--port", "0", "--log-format", "json"];
  const program = start(["node", "bin/fairlead.mjs", "echo", ...flags], { cwd: project });
  const port = Number((await program.says(LISTENS))[1]);
  const [, sha256] = await program.says(/"sha256":"([0-9A-F:]{95})"/);
  const socket = await dialTls(port);
  expect(socket.getPeerCertificate().fingerprint256).toBe(sha256 ?? "");
  socket.destroy();
}, 30_000);
