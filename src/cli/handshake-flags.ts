/**
 * Flags of the verbs that are WebSocket clients: where they connect and what they say in the handshake, with the letters that curl,
 * wscat and websocat have for it. What cannot be used is a USAGE error before anything is dialled; no error repeats a secret.
 */

import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { WebSocketConstructor } from "../client/web-socket-like.ts";
import { showValue } from "../config/key-path.ts";
import { codeOf } from "../errors.ts";
import { isBearerToken, isHttpToken } from "../wire/http-token.ts";
import { usage } from "./arguments.ts";
import type { Arguments } from "./command.ts";
import { clientFlag, type Flag } from "./flags.ts";
import { openSocksDoor, type SocksProxy } from "./socks-proxy.ts";

const group = "handshake";

export const HANDSHAKE_FLAGS: readonly Flag[] = [
  {
    name: "header",
    short: "H",
    placeholder: "'NAME: VALUE'",
    help: "a header of the handshake; may be repeated",
  },
  { name: "auth", placeholder: "USER:PASS", help: "sent as Authorization: Basic" },
  {
    name: "token-file",
    placeholder: "FILE",
    help: "a token or an API key, sent as Authorization: Bearer; read anew for each connection",
  },
  {
    name: "origin",
    short: "o",
    placeholder: "ORIGIN",
    help: "sent as Origin, as a browser on that page would",
  },
  {
    name: "proxy",
    placeholder: "URL",
    help: "through a proxy: http:// and https:// with CONNECT, socks5://, which resolves the name",
  },
  { name: "cacert", placeholder: "FILE", help: "certificates (PEM) to trust in place of the built-in ones" },
  { name: "insecure", short: "k", help: "wss: take any certificate, also a forged one; says so" },
  { name: "no-check", short: "n", help: "the same as --insecure" },
].map((flag) => clientFlag({ ...flag, group }));

/** What a client needs for `new WebSocket(url, options)`, and what people should be told first. */
export interface Handshake {
  /** `ws://` or `wss://`, without a fragment. */
  readonly url: string;
  readonly options: HandshakeOptions;
  readonly warnings: readonly string[];
}

export interface HandshakeOptions {
  readonly headers: [string, string][];
  /** Arguments can be read by others on the machine, and a tunnel outlives its token. */
  readonly tokenFile?: string;
  readonly tls: { readonly rejectUnauthorized?: boolean; readonly ca?: string };
  readonly proxy?: string;
  /** Off: what compression saves on a screen is less than what it costs to read a capture of it. */
  readonly perMessageDeflate: false;
}

/** @throws FairleadError USAGE */
export async function readHandshake(target: string, { given, texts }: Arguments): Promise<Handshake> {
  const url = webSocketUrl(target);
  const fromUrl = takeUserInfo(url);
  const auth = given.get("auth") ?? fromUrl;
  const isInsecure = given.has("insecure") || given.has("no-check");
  const proxy = given.get("proxy");
  const ca = given.get("cacert");
  const headers = [
    ...(texts.get("header") ?? []).map(header),
    ...optional("Authorization", auth, basic),
    ...optional("Origin", given.get("origin"), headerValue),
  ];
  return {
    url: url.href,
    options: {
      headers,
      ...tokenFile(given.get("token-file"), headers),
      tls: {
        ...(isInsecure ? { rejectUnauthorized: false } : {}),
        ...(ca === undefined ? {} : { ca: await readText("--cacert", ca) }),
      },
      ...(proxy === undefined ? {} : { proxy: await proxyUrl(proxy) }),
      perMessageDeflate: false,
    },
    warnings: isInsecure && url.protocol === "wss:" ? [`the certificate of ${url.host} is not checked`] : [],
  };
}

/** For one `new WebSocket`. Throws when the file of the token cannot be read any more. */
export function socketOptions({ tokenFile, headers, ...rest }: HandshakeOptions) {
  const token: [string, string][] = tokenFile === undefined ? [] : [["Authorization", bearer(tokenFile)]];
  return { ...rest, headers: [...headers, ...token] };
}

function tokenFile(file: string | undefined, headers: readonly [string, string][]): { tokenFile?: string } {
  if (file === undefined) return {};
  if (headers.some(([name]) => name.toLowerCase() === "authorization"))
    throw usage("--token-file and another Authorization exclude each other");
  bearer(file);
  return { tokenFile: file };
}

/** The file's content is in no error. */
function bearer(file: string): string {
  const token = readSecret(file).trim();
  if (isBearerToken(token)) return `Bearer ${token}`;
  throw usage(
    `--token-file ${showValue(file)} holds no token: expected one line of letters, digits and -._~+/`,
  );
}

function readSecret(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw unreadable("--token-file", file, error);
  }
}

/** A WebSocket constructor as the client library takes one, whose sockets make this handshake. */
export function webSocketWith(options: HandshakeOptions): WebSocketConstructor {
  return class extends WebSocket {
    constructor(url: string, protocols: string | string[] = []) {
      super(url, { ...socketOptions(options), protocols });
    }
  };
}

const SCHEMES: Readonly<Record<string, string>> = { ws: "ws", wss: "wss", http: "ws", https: "wss" };

/** `host:port/path` without a scheme is ws, as curl takes it for http; http and https are what they become by the upgrade. */
function webSocketUrl(text: string): URL {
  const [, scheme = "ws", rest = ""] = /^(?:([A-Za-z][A-Za-z0-9+.-]*):\/\/)?(.*)$/s.exec(text) ?? [];
  const known = SCHEMES[scheme.toLowerCase()];
  if (known === undefined) throw usage(`the URL ${showValue(text)} is not ws:// or wss://`);
  const url = URL.parse(`${known}://${rest}`);
  if (url === null || rest === "")
    throw usage(`the URL ${showValue(text)} cannot be read; write ws://host:port/path`);
  url.hash = ""; // RFC 6455 section 3 forbids it
  return url;
}

/** Out of the URL, which is shown, logged and put into errors. */
function takeUserInfo(url: URL): string | undefined {
  const { user, password } = userInfo(url);
  url.username = "";
  url.password = "";
  return user === "" && password === "" ? undefined : `${user}:${password}`;
}

function userInfo({ username, password }: URL): { readonly user: string; readonly password: string } {
  try {
    return { user: decodeURIComponent(username), password: decodeURIComponent(password) };
  } catch {
    throw usage("the user or the password of a URL has a % that begins no byte; write %25 for a %");
  }
}

/** RFC 9110 section 5.5, bytes as Latin-1: a line break would begin a header of its own. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** Made by the handshake itself; where a flag says it, the flag is named. */
const OWN_HEADERS: Readonly<Record<string, string>> = {
  connection: "",
  upgrade: "",
  "sec-websocket-key": "",
  "sec-websocket-version": "",
  "sec-websocket-extensions": "",
  "sec-websocket-protocol": "; use --subprotocol where the verb has it",
};

function header(text: string): [string, string] {
  const colon = text.indexOf(":");
  const name = text.slice(0, Math.max(colon, 0)).trim();
  if (!isHttpToken(name)) throw usage(`--header needs 'Name: value', got the name ${showValue(name)}`);
  const own = OWN_HEADERS[name.toLowerCase()];
  if (own !== undefined) throw usage(`--header ${name}: the handshake sets it itself${own}`);
  return [name, headerValue(text.slice(colon + 1).trim(), name)];
}

function headerValue(text: string, name: string): string {
  if (FIELD_VALUE.test(text)) return text;
  throw usage(`the value of ${name} has a control character, a line break or one that no header can carry`);
}

function basic(text: string): string {
  if (!text.includes(":")) throw usage("--auth needs user:pass, got no colon");
  return `Basic ${Buffer.from(text).toString("base64")}`;
}

function optional(
  name: string,
  text: string | undefined,
  value: (text: string, name: string) => string,
): [string, string][] {
  return text === undefined ? [] : [[name, value(text, name)]];
}

/** A user and a password may stand in it. */
async function proxyUrl(text: string): Promise<string> {
  const url = URL.parse(text.includes("://") ? text : `http://${text}`);
  if (url === null || url.hostname === "")
    throw usage(`--proxy ${showValue(text)} cannot be read; write http://host:port`);
  if (url.protocol === "http:" || url.protocol === "https:") return url.href;
  if (url.protocol === "socks5:" || url.protocol === "socks5h:") return openSocksDoor(socksProxy(url));
  throw usage(`--proxy takes http://, https:// and socks5:// proxies, got ${showValue(url.protocol)}`);
}

function socksProxy(url: URL): SocksProxy {
  return { host: url.hostname.replace(/^\[|\]$/g, ""), port: Number(url.port || 1080), ...userInfo(url) };
}

async function readText(flag: string, file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw unreadable(flag, file, error);
  }
}

function unreadable(flag: string, file: string, error: unknown) {
  const code = codeOf(error);
  return usage(`${flag} ${showValue(file)} cannot be read (${code})`);
}
