import { describe, expect, test } from "bun:test";
import { createPrivateKey } from "node:crypto";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { connect as dial } from "node:tls";
import type { FairleadError } from "../../src/errors.ts";
import { type ListenerTls, readTls } from "../../src/listener/tls.ts";
import { CERT, KEY, STRANGER_CERT, STRANGER_KEY } from "../certificate.ts";
import { folder } from "../folder.ts";
import { connect, startGateway } from "../gateway.ts";
import { bounded } from "../raw-client.ts";

const PASSWORD = "open sesame";
const LOCKED = createPrivateKey(KEY)
  .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: PASSWORD })
  .toString();

/** Paths of all files that these tests name. */
function files() {
  const at = folder({
    "cert.pem": CERT,
    "key.pem": KEY,
    "both.pem": `${CERT}${KEY}`,
    "locked.pem": LOCKED,
    "stranger.pem": STRANGER_KEY,
    "junk.pem": "junk",
    "cut.pem": KEY.slice(0, 60),
    "large.pem": CERT.padEnd(1_048_577),
  });
  symlinkSync("/dev/zero", join(at, "zero.pem"));
  Bun.spawnSync(["mkfifo", join(at, "pipe")]);
  return (name: string) => join(at, name);
}

describe("the files of TLS", () => {
  test.each<[{ cert: string; key?: string }, ListenerTls]>([
    [
      { cert: "cert.pem", key: "key.pem" },
      { cert: CERT, key: KEY },
    ],
    [{ cert: "both.pem" }, { cert: `${CERT}${KEY}`, key: `${CERT}${KEY}` }],
  ])("%j are what the runtime gets", (names, expected) => {
    const at = files();
    expect(readTls({ ...names, cert: at(names.cert), key: names.key && at(names.key) })).toEqual(expected);
  });

  test("a password goes with its key, authorities make a certificate of clients a duty", () => {
    const at = files();
    const options = {
      cert: at("cert.pem"),
      key: at("locked.pem"),
      keyPassword: PASSWORD,
      clientCa: at("cert.pem"),
    };
    const duty = { ca: CERT, requestCert: true, rejectUnauthorized: true } as const;
    expect(readTls(options)).toEqual({ cert: CERT, key: LOCKED, passphrase: PASSWORD, ...duty });
  });

  test.each([
    [
      "is not there",
      { cert: "none.pem", key: "key.pem" },
      /listen\.tls\.cert: ".*none\.pem" cannot be read \(ENOENT\)/,
    ],
    ["is a folder", { cert: "cert.pem", key: "." }, /listen\.tls\.key: ".*" is no file/],
    ["is a device that never ends", { cert: "zero.pem", key: "key.pem" }, /listen\.tls\.cert: .* is no file/],
    ["is a pipe that nobody writes to", { cert: "cert.pem", key: "pipe" }, /listen\.tls\.key: .* is no file/],
    ["is far too large", { cert: "large.pem", key: "key.pem" }, /no file of at most 1048576 bytes/],
    [
      "holds no certificate",
      { cert: "key.pem", key: "key.pem" },
      /listen\.tls\.cert: ".*key\.pem" holds no certificate in PEM/,
    ],
    [
      "holds no key",
      { cert: "cert.pem" },
      /"\S*cert\.pem" holds no private key in PEM; name its file with listen\.tls\.key/,
    ],
    ["holds a part of a key", { cert: "cert.pem", key: "cut.pem" }, /the key in ".*cut\.pem" cannot be read/],
    [
      "holds another key",
      { cert: "cert.pem", key: "stranger.pem" },
      /the key in ".*" does not belong to the certificate in/,
    ],
    ["is locked", { cert: "cert.pem", key: "locked.pem" }, /has a password; set listen\.tls\.keyPassword/],
    [
      "is locked otherwise",
      { cert: "cert.pem", key: "locked.pem", keyPassword: "no" },
      /listen\.tls\.keyPassword does not open it/,
    ],
    [
      "holds no authority",
      { cert: "both.pem", clientCa: "junk.pem" },
      /listen\.tls\.clientCa: ".*junk\.pem" holds no certificate/,
    ],
  ])(
    "that %s: an error names option and file, never the password",
    (_, { keyPassword, ...names }: Names, message) => {
      const at = files();
      const paths = Object.fromEntries(
        Object.entries(names).map(([option, name]) => [option, at(name ?? "")]),
      );
      const error = caught(() => readTls({ cert: "", ...paths, keyPassword }));
      expect(error.code).toBe("LISTEN_FAILED");
      expect(error.message).toMatch(message);
      expect(error.message).not.toMatch(/"no"|sesame/);
    },
  );
});

interface Names extends Record<string, string | undefined> {
  readonly keyPassword?: string;
}

function caught(run: () => unknown): FairleadError {
  try {
    run();
  } catch (error) {
    return error as FairleadError;
  }
  throw new Error("it did not throw");
}

async function secureGateway(options: { readonly clientCa?: string } = {}) {
  const at = files();
  const tls = { cert: at("cert.pem"), key: at("key.pem"), ...options };
  const gateway = await startGateway(
    { "/echo": { kind: "echo", welcome: "safe" } },
    { listen: { port: 0, tls } },
  );
  return Object.assign(gateway, { port: gateway.gateway.address.port });
}

/** How a handshake of TLS ends: the version spoken, or the error's code. */
function handshake(port: number, options: object): Promise<string> {
  const ended = new Promise<string>((resolve) => {
    const socket = dial({ port, host: "127.0.0.1", ca: CERT, ...options });
    const finish = (outcome: string) => {
      resolve(outcome);
      socket.destroy();
    };
    socket.on("error", (error) => finish("code" in error ? String(error.code) : error.message));
    socket.on("end", () => finish("ended"));
    // TLS 1.3 tells a refused certificate after the handshake, so the answer to a request counts.
    socket.on("secureConnect", () => socket.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    socket.on("data", (answer) => finish(`${socket.getProtocol()} ${answer.toString().slice(9, 12)}`));
  });
  return bounded("the end of a TLS handshake", ended);
}

describe("a port with a certificate", () => {
  test("speaks WebSocket and HTTP over TLS", async () => {
    await using gateway = await secureGateway();
    const options = { tls: { ca: CERT } };
    const socket = new WebSocket(`wss://localhost:${gateway.port}/echo`, options);
    expect(
      await bounded(
        "a message",
        new Promise((done) => socket.addEventListener("message", ({ data }) => done(data))),
      ),
    ).toBe("safe");
    socket.close();
    const response = await fetch(`https://localhost:${gateway.port}/healthz`, options);
    expect([response.status, await response.text()]).toEqual([200, "ok\n"]);
  });

  test("never speaks plain ws or HTTP", async () => {
    await using gateway = await secureGateway();
    await expect(connect(`ws://127.0.0.1:${gateway.port}/echo`)).rejects.toThrow("handshake refused: 1006");
    await expect(fetch(`http://127.0.0.1:${gateway.port}/healthz`)).rejects.toThrow();
  });

  test.each([
    ["TLSv1", /PROTOCOL_VERSION|ECONNRESET|ended/],
    ["TLSv1.1", /PROTOCOL_VERSION|ECONNRESET|ended/],
    ["TLSv1.2", /^TLSv1\.2 200$/],
    ["TLSv1.3", /^TLSv1\.3 200$/],
  ])("answers a client of %s only if that is safe", async (version, outcome) => {
    await using gateway = await secureGateway();
    expect(await handshake(gateway.port, { minVersion: version, maxVersion: version })).toMatch(outcome);
  });

  test.each([
    ["none", {}, /CERTIFICATE_REQUIRED|ECONNRESET|ended/],
    ["one of a stranger", { cert: STRANGER_CERT, key: STRANGER_KEY }, /CERT|UNKNOWN_CA|ECONNRESET|ended/],
    ["one of the authority", { cert: CERT, key: KEY }, /^TLSv1\.3 200$/],
  ])("with clientCa, and a client's certificate: %s", async (_, certificate, outcome) => {
    const clientCa = join(folder({ "ca.pem": CERT }), "ca.pem");
    await using gateway = await secureGateway({ clientCa });
    expect(await handshake(gateway.port, certificate)).toMatch(outcome);
    expect(await handshake(gateway.port, { cert: CERT, key: KEY })).toBe("TLSv1.3 200");
  });

  test("is told as https and wss", async () => {
    const { tryLines } = await import("../../src/cli/try-lines.ts");
    const { parseConfig } = await import("../../src/config/validate.ts");
    const lines = (kind: "echo" | "feed") =>
      tryLines(parseConfig({ listen: { tls: { cert: "c.pem" } }, routes: { "/a": { kind } } }), {
        host: "::",
        port: 1,
      });
    expect(lines("echo")).toEqual([
      "Fairlead listens on https://[::1]:1",
      "",
      "echo  wss://[::1]:1/a  npx fairlead connect wss://[::1]:1/a",
    ]);
    expect(lines("feed").at(-1)).toContain("https://[::1]:1/a");
    const dev = parseConfig({
      listen: { devTls: true },
      routes: { "/a": { kind: "echo" }, "/b": { kind: "feed" } },
    });
    expect(tryLines(dev, { host: "127.0.0.1", port: 1 }).slice(-2)).toEqual([
      "echo  wss://127.0.0.1:1/a  npx fairlead connect -k wss://127.0.0.1:1/a",
      "feed  wss://127.0.0.1:1/b  curl -k -N -H 'Accept: text/event-stream' https://127.0.0.1:1/b",
    ]);
  });
});
