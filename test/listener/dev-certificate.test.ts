import { describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { makeDevCertificate } from "../../src/listener/dev-certificate.ts";
import { memoryLog, startGateway } from "../gateway.ts";
import { dialTls } from "../tls-house.ts";

const routes = { "/echo": { kind: "echo" } } as const;
const MADE = "! a certificate made for development; nobody else trusts it";

describe("a certificate for development", () => {
  test("is for localhost, both loopback addresses and the host, and differs each time", async () => {
    const log = memoryLog();
    const hosts = ["127.0.0.1", "192.0.2.7", "gateway.example", "0.0.0.0"];
    const made = await Promise.all(hosts.map((host) => makeDevCertificate(host, { log })));
    const certificates = made.map(({ tls }) => new X509Certificate(tls.cert));
    for (const certificate of certificates) {
      expect(certificate.checkHost("localhost")).toBe("localhost");
      for (const address of ["127.0.0.1", "::1"]) expect(certificate.checkIP(address)).toBe(address);
    }
    expect(certificates[1]?.checkIP("192.0.2.7")).toBe("192.0.2.7");
    expect(certificates[2]?.checkHost("gateway.example")).toBe("gateway.example");
    expect(new Set(made.map(({ tls }) => tls.key)).size).toBe(hosts.length);
    for (const [index, { tls, stats }] of made.entries()) {
      expect(log.lines.map((line) => line["sha256"])).toContain(certificates[index]?.fingerprint256);
      expect(stats().notAfter * 1_000).toBe(Date.parse(certificates[index]?.validTo ?? ""));
      expect(JSON.stringify(log.lines)).not.toContain(tls.key.split("\n")[1] ?? "");
    }
  });

  test("is what devTls serves, told with its fingerprint and as an insecure switch", async () => {
    const log = memoryLog();
    const { gateway } = await startGateway(routes, { listen: { port: 0, devTls: true } }, { log });
    const { port } = gateway.address;
    const socket = await dialTls(port);
    const { fingerprint256, raw } = socket.getPeerCertificate();
    socket.destroy();
    const [line] = log.lines.filter(({ text }) => text === MADE);
    expect(line).toMatchObject({
      level: "warn",
      sha256: fingerprint256,
      names: ["localhost", "127.0.0.1", "::1"],
    });
    expect(log.lines).toContainEqual(
      expect.objectContaining({ text: "! insecure by its config", switch: "listen.devTls" }),
    );
    const ca = new X509Certificate(raw).toString();
    const metrics = await fetch(`https://localhost:${port}/metrics`, { tls: { ca } });
    const text = await metrics.text();
    expect(text).toContain('fairlead_insecure{switch="listen.devTls"} 1');
    expect(text).toMatch(/^fairlead_tls_not_after_seconds \d+$/m);
    await expect(fetch(`https://localhost:${port}/healthz`, { keepalive: false })).rejects.toThrow();
    await gateway.stop();
  });
});
