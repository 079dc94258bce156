/**
 * The certificate and key of the listener, read once and checked before the runtime sees them, whose own errors name a line of
 * OpenSSL. Failure: LISTEN_FAILED, with the option, the file and what to do. No error repeats the password or the key.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import type { Clock } from "../clock.ts";
import { showValue } from "../config/key-path.ts";
import type { TlsOptions } from "../config/schema.ts";
import { FairleadError } from "../errors.ts";
import type { Log } from "../log.ts";
import { readRegularFile } from "../regular-file.ts";

/** What the runtime takes. TLS 1.2 is the oldest that it speaks. */
export interface ListenerTls {
  readonly cert: string;
  readonly key: string;
  readonly passphrase?: string;
  readonly ca?: string;
  readonly requestCert?: true;
  readonly rejectUnauthorized?: true;
}

export interface CertificateStats {
  /** Unix seconds. */
  readonly notAfter: number;
  /** Pairs that took the place of another, and pairs that were found and not taken. */
  readonly swapped: number;
  readonly kept: number;
}

export interface Certificate {
  /** The pair that is served now. */
  readonly tls: ListenerTls;
  stats(): CertificateStats;
  /** From now on `swap` gets each new pair; what it throws means that the old one is still served. */
  watch(swap: (tls: ListenerTls) => void): void;
  stop(): void;
}

export interface CertificateParts {
  readonly clock: Clock;
  readonly log: Log;
}

/** @throws FairleadError LISTEN_FAILED */
export function readTls({ cert, key = cert, keyPassword, clientCa }: TlsOptions): ListenerTls {
  const certificate = readPem("cert", cert);
  const privateKey = readPem("key", key);
  const opened = openKey(privateKey, key, keyPassword);
  if (!readCertificate("cert", cert, certificate).checkPrivateKey(opened)) {
    throw failed(`the key in ${showValue(key)} does not belong to the certificate in ${showValue(cert)}`);
  }
  return {
    cert: certificate,
    key: privateKey,
    ...(keyPassword === undefined ? {} : { passphrase: keyPassword }),
    ...(clientCa === undefined ? {} : clientCheck(clientCa)),
  };
}

function clientCheck(file: string) {
  const ca = readPem("clientCa", file);
  readCertificate("clientCa", file, ca);
  return { ca, requestCert: true, rejectUnauthorized: true } as const;
}

function readPem(option: string, file: string): string {
  const read = readRegularFile(file);
  if (typeof read !== "string") return read.toString();
  throw failed(`listen.tls.${option}: ${showValue(file)} ${read}`);
}

/** The first of a file, which is the server's own. */
function readCertificate(option: string, file: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw failed(`listen.tls.${option}: ${showValue(file)} holds no certificate in PEM`, error);
  }
}

function openKey(pem: string, file: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey(passphrase === undefined ? pem : { key: pem, passphrase });
  } catch (error) {
    if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) {
      throw failed(
        `${showValue(file)} holds no private key in PEM; name its file with listen.tls.key`,
        error,
      );
    }
    const isLocked = /ENCRYPTED/.test(pem);
    const advice =
      passphrase === undefined ? "set listen.tls.keyPassword" : "listen.tls.keyPassword does not open it";
    throw failed(
      `the key in ${showValue(file)} ${isLocked ? `has a password; ${advice}` : "cannot be read"}`,
      error,
    );
  }
}

function failed(text: string, cause?: unknown): FairleadError {
  return new FairleadError("LISTEN_FAILED", text, cause === undefined ? {} : { cause });
}
