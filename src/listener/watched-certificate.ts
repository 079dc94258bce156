/**
 * The certificate of the listener over its life: read at the start, looked at every CHECK_MS, handed on when its files have changed.
 * By looking, not by being told: a rename, the swap of a link above it (Kubernetes' `..data`) and a network's file system all look
 * alike so, and not all of them tell. Files that changed are left alone until they were still for one look: a pair is two writes.
 * Failure: at the start LISTEN_FAILED; later the old pair stays, one line in the log for each change, counted. One that is not valid
 * now is told at the start and served all the same, since nothing better is there; later it does not replace another.
 */
import { X509Certificate } from "node:crypto";
import { statSync } from "node:fs";
import type { Timer } from "../clock.ts";
import type { TlsOptions } from "../config/schema.ts";
import { FairleadError } from "../errors.ts";
import { type Certificate, type CertificateParts, type ListenerTls, readTls } from "./tls.ts";

const CHECK_MS = 2_000;

/** @throws FairleadError LISTEN_FAILED */
export function watchCertificate(options: TlsOptions, { clock, log }: CertificateParts): Certificate {
  const { cert, key, clientCa } = options;
  const files = [cert, key, clientCa].filter((file) => file !== undefined);
  // Before reading: what is written meanwhile is seen as a change then.
  let taken = stampOf(files);
  let seen = taken;
  let told = "";
  let tls = readTls(options);
  let validity = validityOf(tls);
  let swapped = 0;
  let kept = 0;
  let isTold = false;
  let timer: Timer | undefined;

  function look(swap: (tls: ListenerTls) => void): void {
    tellWhenOver();
    const stamp = stampOf(files);
    const isStill = stamp === seen;
    seen = stamp;
    if (!isStill || stamp === taken) return;
    try {
      take(readTls(options), swap);
      taken = stamp;
    } catch (error) {
      // Tried again at each look: what is not valid yet may be soon, and descriptors that are short now may be free then.
      if (stamp !== told) tellKept(error);
      told = stamp;
    }
  }

  function tellKept(error: unknown): void {
    kept += 1;
    log.warn({ cert, err: error }, "! the new certificate cannot be used; the old one still counts");
  }

  function take(next: ListenerTls, swap: (tls: ListenerTls) => void): void {
    if (next.cert === tls.cert && next.key === tls.key && next.ca === tls.ca) return;
    const nextValidity = validityOf(next);
    if (!isValid(nextValidity, clock.wall())) {
      throw new FairleadError(
        "LISTEN_FAILED",
        `it is valid from ${nextValidity.from} to ${nextValidity.to} only`,
      );
    }
    swap(next);
    tls = next;
    validity = nextValidity;
    isTold = false;
    swapped += 1;
    log.info({ cert, validTo: validity.to }, "new connections get the new certificate");
  }

  function tellWhenOver(): void {
    if (isTold || isValid(validity, clock.wall())) return;
    isTold = true;
    const { from: validFrom, to: validTo } = validity;
    log.warn({ cert, validFrom, validTo }, "! the certificate is not valid now; clients will refuse it");
  }

  tellWhenOver();
  return {
    get tls() {
      return tls;
    },
    stats: () => ({ notAfter: Date.parse(validity.to) / 1_000, swapped, kept }),
    watch(swap) {
      timer = clock.every(CHECK_MS, () => look(swap));
    },
    stop: () => timer?.cancel(),
  };
}

/** As the certificate writes them. */
interface Validity {
  readonly from: string;
  readonly to: string;
}

function validityOf({ cert }: ListenerTls): Validity {
  const { validFrom, validTo } = new X509Certificate(cert);
  return { from: validFrom, to: validTo };
}

function isValid({ from, to }: Validity, now: number): boolean {
  return Date.parse(from) <= now && now <= Date.parse(to);
}

/** Changes with what links lead to, too. */
function stampOf(files: readonly string[]): string {
  return files.map(stampOfOne).join(" ");
}

function stampOfOne(file: string): string {
  try {
    const found = statSync(file, { bigint: true });
    // A pipe, as shells make for `<(command)`, can be read once, and nobody must wait for it.
    return found.isFile() ? `${found.dev}:${found.ino}:${found.size}:${found.ctimeNs}` : "no file";
  } catch (error) {
    return String(error); // that it cannot be looked at is a change like another
  }
}
