/**
 * What a bridge may lead to, as a config or a token file writes it: `host:port`, `tls://host:port`, `unix:/path`, `exec:program argument ...`,
 * or a program and its arguments as a list. Pure and never throws: what is none of these has a fault.
 */

/** `label` is what logs say: how it was written, without the arguments of a program, which may be secret. */
export type Target = { readonly label: string } & (
  | { readonly kind: "tcp"; readonly hostname: string; readonly port: number }
  | { readonly kind: "tls"; readonly hostname: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "exec"; readonly command: readonly string[] }
);

export interface Program {
  readonly exec: readonly string[];
}

export interface TargetFault {
  readonly text: string;
  /** What to do, with its leading space. */
  readonly hint: string;
}

const HOST_AND_PORT = /^(\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|[\w.-]+):(\d{1,5})$/;
/** What fits into `sun_path` on every system, with the NUL that ends it. */
export const MAX_UNIX_PATH_BYTES = 103;
const FORMS = "expected host:port, [v6]:port, tls://host:port, unix:/path or exec:program";

export function parseTarget(written: string | Program): Target | TargetFault {
  if (typeof written !== "string") return programOf(written.exec);
  if (written.startsWith("unix:")) return socketOf(written, written.slice("unix:".length));
  if (written.startsWith("exec:")) return splitProgram(written.slice("exec:".length));
  if (written.startsWith("tls://")) return serviceOf("tls", written, written.slice("tls://".length));
  return serviceOf("tcp", written, written);
}

export function isFault(parsed: Target | TargetFault): parsed is TargetFault {
  return "hint" in parsed;
}

/** The target of a config that was validated. */
export function targetOf(written: string | Program): Target {
  const parsed = parseTarget(written);
  if (isFault(parsed)) throw new Error(`a target that was not validated: ${parsed.text}`);
  return parsed;
}

function serviceOf(kind: "tcp" | "tls", label: string, text: string): Target | TargetFault {
  const [, host = "", digits = ""] = HOST_AND_PORT.exec(text) ?? [];
  const port = Number(digits);
  if (port < 1 || port > 65_535) return { text: FORMS, hint: " The port is 1 to 65535." };
  return { kind, label, hostname: host.replace(/^\[|\]$/g, ""), port };
}

function socketOf(label: string, path: string): Target | TargetFault {
  if (path === "" || /\p{Cc}/u.test(path)) {
    return { text: "expected unix: and the path of a socket", hint: " Like unix:/run/db.sock." };
  }
  if (Buffer.byteLength(path) > MAX_UNIX_PATH_BYTES) {
    const hint = " Systems take no longer one; a symbolic link to its folder is shorter.";
    return { text: `expected the path of a socket of at most ${MAX_UNIX_PATH_BYTES} bytes`, hint };
  }
  return { kind: "unix", label, path };
}

/** No shell: the text is split at its spaces. Who writes quotes expects otherwise. */
function splitProgram(text: string): Target | TargetFault {
  if (/["'\\]/.test(text)) {
    const hint = ' Write a list: { exec: ["/bin/sh", "-c", "..."] }.';
    return { text: "expected exec: and words without quotes, because no shell reads them", hint };
  }
  return programOf(text.split(" ").filter((word) => word !== ""));
}

function programOf(command: readonly string[]): Target | TargetFault {
  const [program = ""] = command;
  if (program === "" || command.some((word) => word.includes("\0"))) {
    return { text: "expected a program and its arguments", hint: " Like exec:/usr/bin/top -b." };
  }
  return { kind: "exec", label: `exec:${program}`, command };
}
