/**
 * websockify's own flags on `fairlead bridge`, so that a command line moves over with one word changed. Each becomes options of the config;
 * one whose work belongs elsewhere today is refused with the name of what does it. --web and --record are options of ours with the same names.
 */

import type { KeyPath } from "../config/key-path.ts";
import { showValue } from "../config/key-path.ts";
import type { Setting } from "../config/layers.ts";
import type { ConfigInput } from "../config/schema.ts";
import { usage } from "./arguments.ts";
import type { Arguments } from "./command.ts";
import type { Flag } from "./flags.ts";
import type { Lifetime } from "./lifetime.ts";
import { parseSeconds } from "./seconds.ts";

/** None sets anything by itself: some mean something only beside others. */
export const WEBSOCKIFY_FLAGS: readonly Flag[] = [
  { name: "cert", placeholder: "FILE", help: "certificate of the port (--tls-cert)" },
  {
    name: "key",
    placeholder: "FILE",
    help: "key of the certificate, where it has a file of its own (--tls-key)",
  },
  { name: "key-password", placeholder: "TEXT", help: "password of the key (listen.tls.keyPassword)" },
  { name: "ssl-only", help: "always so: a port with a certificate never speaks plain ws" },
  { name: "verify-client", help: "refuse clients without a certificate of --cafile (--tls-client-ca)" },
  { name: "cafile", placeholder: "FILE", help: "authorities of --verify-client" },
  {
    name: "token-plugin",
    placeholder: "CLASS",
    help: "TokenFile or ReadOnlyTokenFile, with --token-source (--tokens)",
  },
  {
    name: "token-source",
    placeholder: "FILE",
    help: "file or folder of lines token: host:port, read again when it changes",
  },
  { name: "target-config", placeholder: "FILE", help: "the older word for both" },
  { name: "unix-target", placeholder: "FILE", help: "the target is this socket (--target unix:FILE)" },
  {
    name: "ssl-target",
    help: "speak TLS to the target, and check its certificate (--target tls://host:port)",
  },
  { name: "unix-listen", placeholder: "FILE", help: "listen on this socket in place of a port (--unix)" },
  { name: "unix-listen-mode", placeholder: "MODE", help: "its rights, in octal (--unix-mode)" },
  { name: "heartbeat", placeholder: "SECONDS", help: "ping each client so often (--heartbeat-ping)" },
  { name: "idle-timeout", placeholder: "SECONDS", help: "end when nobody was connected for so long" },
  {
    name: "timeout",
    placeholder: "SECONDS",
    help: "end after so long, or when the last one then connected is gone",
  },
  { name: "run-once", help: "serve one connection, then end" },
  { name: "verbose", short: "v", help: "--log-level debug" },
  { name: "traffic", help: "the same" },
].map((flag) => ({ ...flag, group: "websockify", read: () => [] }));

/** Without a line in the help; whoever writes one is told what to do. */
const REFUSED: Readonly<Record<string, Pick<Flag, "short" | "placeholder"> & { readonly instead: string }>> =
  {
    daemon: { short: "D", instead: "let systemd, docker or nohup keep it running" },
    syslog: { placeholder: "SERVER", instead: "logs go to stderr: systemd or `| logger` takes them on" },
    "legacy-syslog": { instead: "logs go to stderr: systemd or `| logger` takes them on" },
    "log-file": { placeholder: "FILE", instead: "logs go to stderr: write 2>> FILE" },
    inetd: { instead: "give it a port of its own, and let systemd start it" },
    libserver: { instead: "leave it out, there is one server and it serves all" },
    "wrap-mode": {
      placeholder: "MODE",
      instead: "let systemd restart the program; --target exec:PROGRAM starts one for each client",
    },
    "ssl-version": { placeholder: "VERSION", instead: "leave it out, TLS 1.2 is the oldest that is spoken" },
    "ssl-ciphers": { placeholder: "LIST", instead: "leave it out, the ciphers are the runtime's" },
    "auth-plugin": { placeholder: "CLASS", instead: "put a proxy that authenticates in front" },
    "auth-source": { placeholder: "ARG", instead: "put a proxy that authenticates in front" },
    "web-auth": { instead: "put a proxy that authenticates in front" },
    "file-only": { instead: "leave it out, folders are never listed" },
    "prefer-ipv6": { short: "6", instead: "write the address, like [::]:6080" },
    "host-token": { instead: "tokens come in ?token=, or as :token of a path in a config" },
  };

export const REFUSED_FLAGS: readonly Flag[] = Object.entries(REFUSED).map(([name, { instead, ...form }]) => ({
  name,
  ...form,
  help: "",
  read() {
    throw usage(`--${name} of websockify is not there; ${instead}`);
  },
}));

/** What they set together with the operand `target`. @throws FairleadError USAGE */
export function websockifySettings(preset: ConfigInput, { given, operands }: Arguments): Setting[] {
  const routes = Object.keys(preset.routes ?? {});
  const onRoutes = (flag: string, option: KeyPath, value: unknown) =>
    routes.map((path) => setting(flag, ["routes", path, ...option], value));
  const target = operands[1] ?? given.get("target");
  const interval = given.get("heartbeat");
  return [
    ...listenSettings(given),
    ...targetSettings(given, target).flatMap(([flag, option, value]) => onRoutes(flag, [option], value)),
    ...(interval === undefined
      ? []
      : onRoutes("heartbeat", ["heartbeat", "ping"], parseSeconds("heartbeat", interval))),
    ...(given.has("run-once") ? [setting("run-once", ["limits", "connections"], costOf(target))] : []),
    ...["verbose", "traffic"]
      .filter((flag) => given.has(flag))
      .map((flag) => setting(flag, ["log", "level"], "debug")),
  ];
}

/** Undefined: until somebody ends it. @throws FairleadError USAGE */
export function websockifyLifetime({ given }: Arguments): Lifetime | undefined {
  if (!["run-once", "timeout", "idle-timeout"].some((flag) => given.has(flag))) return undefined;
  const seconds = (flag: string) => parseSeconds(flag, given.get(flag) ?? "0");
  return { once: given.has("run-once"), timeout: seconds("timeout"), idle: seconds("idle-timeout") };
}

/** Descriptors of one connection and what it leads to, so that there is room for one: a program takes four. */
function costOf(target: string | undefined): number {
  return target?.startsWith("exec:") ? 5 : 2;
}

type Given = Arguments["given"];

function setting(flag: string, path: KeyPath, value: unknown): Setting {
  return { path, value, origin: { from: "flag", name: `--${flag}` } };
}

/** Below `listen`. */
const LISTEN: Readonly<Record<string, KeyPath>> = {
  cert: ["tls", "cert"],
  key: ["tls", "key"],
  "key-password": ["tls", "keyPassword"],
  cafile: ["tls", "clientCa"],
  "unix-listen": ["unix"],
  "unix-listen-mode": ["unixMode"],
};

function listenSettings(given: Given): Setting[] {
  if (given.has("ssl-only") && !given.has("cert"))
    throw usage("--ssl-only needs --cert, the certificate to speak TLS with");
  together(given, "verify-client", "cafile");
  return Object.entries(LISTEN).flatMap(([flag, option]) => {
    const value = given.get(flag);
    return value === undefined ? [] : [setting(flag, ["listen", ...option], value)];
  });
}

function together(given: Given, one: string, other: string): void {
  if (given.has(one) === given.has(other)) return;
  const [there, missing] = given.has(one) ? [one, other] : [other, one];
  throw usage(`--${there} needs --${missing} beside it`);
}

type Choice = readonly [flag: string, option: "target" | "tokens", value: string | undefined];

/** What leads elsewhere than to the target of the preset, which then has to go. The last two are options of ours. */
const CHOICES = ["token-plugin", "target-config", "unix-target", "ssl-target", "tokens", "allow"];

function targetSettings(given: Given, target: string | undefined): Choice[] {
  together(given, "token-plugin", "token-source");
  const [first, second] = CHOICES.filter((flag) => given.has(flag));
  if (first === undefined) return [];
  if (second !== undefined)
    throw usage(`--${first} and --${second} both say what the target is; leave one out`);
  if (first === "ssl-target") {
    if (target === undefined) throw usage("--ssl-target needs the target's host:port");
    return [[first, "target", `tls://${target}`]];
  }
  if (target !== undefined) throw usage(`--${first} says what the target is; leave ${showValue(target)} out`);
  if (first === "unix-target") return [[first, "target", `unix:${given.get(first)}`]];
  const presetGoes: Choice = [first, "target", undefined];
  if (first === "tokens" || first === "allow") return [presetGoes];
  if (first === "token-plugin") checkPlugin(given.get("token-plugin") ?? "");
  const source = first === "token-plugin" ? "token-source" : first;
  return [presetGoes, [source, "tokens", given.get(source)]];
}

function checkPlugin(name: string): void {
  const [bare = ""] = name.split(".").slice(-1);
  if (bare === "TokenFile" || bare === "ReadOnlyTokenFile") return;
  throw usage(`--token-plugin ${showValue(name)} is Python; TokenFile and ReadOnlyTokenFile are built in`);
}
