/**
 * The subject of a client certificate: of one that this gateway has checked (`certified-port.ts`), or that a proxy in front has. A proxy says it in a
 * header, which anybody could send: it counts from a trusted proxy only, and that proxy MUST replace whatever the client sent under that name.
 */
import type { Identity } from "../identity.ts";
import { isText } from "./claims.ts";

export type Subject = Identity | "malformed" | "several" | undefined;

/** Checked by this gateway itself, so it is whose it says; a name that nobody could use is refused. */
export function ownSubject(subject: string | undefined): Subject {
  if (subject === undefined) return undefined;
  return isText(subject) ? { user: subject, by: "certificate" } : "malformed";
}

/** Undefined: none is told, or not by a trusted proxy. The subject as it is told is the user. */
export function readSubject(headers: Headers, header: string, isTrusted: boolean): Subject {
  const subject = isTrusted ? headers.get(header) : null;
  if (subject === null || subject === "") return undefined;
  // So two headers of one name arrive: the proxy has added its own to the client's.
  if (subject.includes(", ")) return "several";
  return isText(subject) ? { user: subject, by: "certificate" } : "malformed";
}
