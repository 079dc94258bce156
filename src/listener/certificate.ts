/** Which certificate the listener has: one of files, one made for development, or none. */
import type { Config } from "../config/schema.ts";
import { makeDevCertificate } from "./dev-certificate.ts";
import type { Certificate, CertificateParts } from "./tls.ts";
import { watchCertificate } from "./watched-certificate.ts";

/** Undefined: the port speaks no TLS. @throws FairleadError LISTEN_FAILED */
export async function certificateOf(
  { tls, devTls, host }: Config["listen"],
  parts: CertificateParts,
): Promise<Certificate | undefined> {
  if (devTls) return makeDevCertificate(host, parts);
  return tls === undefined ? undefined : watchCertificate(tls, parts);
}
