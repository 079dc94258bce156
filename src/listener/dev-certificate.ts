/**
 * A certificate for development: made at the start, signed by itself, kept in memory, gone with the process. No client trusts it unless
 * it is told to, by the fingerprint in the log. Failure: rejects with LISTEN_FAILED where the package that makes it cannot be loaded.
 */
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { FairleadError } from "../errors.ts";
import type { Certificate, CertificateParts } from "./tls.ts";

const NAMES = ["localhost", "127.0.0.1", "::1"];
/** Subject alternative names, by their tags in RFC 5280 section 4.2.1.6. */
const DNS_NAME = 2;
const IP_ADDRESS = 7;

/** For localhost, 127.0.0.1, ::1 and `host`; valid for a year. @throws FairleadError LISTEN_FAILED */
export async function makeDevCertificate(
  host: string,
  { log }: Pick<CertificateParts, "log">,
): Promise<Certificate> {
  const names = [...new Set([...NAMES, host])];
  const { cert, private: key } = await make(names);
  const { fingerprint256, validTo } = new X509Certificate(cert);
  log.warn({ names, sha256: fingerprint256 }, "! a certificate made for development; nobody else trusts it");
  return {
    tls: { cert, key },
    stats: () => ({ notAfter: Date.parse(validTo) / 1_000, swapped: 0, kept: 0 }),
    watch() {},
    stop() {},
  };
}

async function make(names: readonly string[]) {
  try {
    // 100 ms of start-up, for nobody else to pay.
    const { generate } = await import("selfsigned");
    return await generate([{ name: "commonName", value: "Fairlead for development" }], {
      keyType: "ec",
      algorithm: "sha256",
      extensions: [
        { name: "basicConstraints", cA: false, critical: true },
        { name: "keyUsage", digitalSignature: true, critical: true },
        { name: "extKeyUsage", serverAuth: true },
        { name: "subjectAltName", altNames: names.map(altName) },
      ],
    });
  } catch (error) {
    throw new FairleadError("LISTEN_FAILED", `listen.devTls: no certificate could be made (${error})`, {
      cause: error,
    });
  }
}

function altName(name: string) {
  return isIP(name) === 0
    ? ({ type: DNS_NAME, value: name } as const)
    : ({ type: IP_ADDRESS, ip: name } as const);
}
