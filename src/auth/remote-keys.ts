/**
 * The public keys of an issuer, kept at an address of the config (JWKS). Nothing that a token says decides where they are fetched.
 *
 * One fetch at a time, of at most MAX_BYTES and TIMEOUT_MS; redirects are not followed. A name that is not among the keys asks again, but not sooner
 * than COOLDOWN_MS after the last answer: made-up names cost nobody a storm. Failure: keys that were fetched once go on to count; without any, it
 * cannot be said who somebody is, until the address answers.
 */
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { decodeUtf8 } from "../wire/utf8.ts";
import { type KeySet, readKeySet } from "./key-set.ts";

export type Fetch = (url: string, init: BunFetchRequestInit) => Promise<Response>;

export interface RemoteKeys {
  /** Never rejects. */
  find(alg: string, kid: string | undefined): Promise<CryptoKey | "unknown_key" | "unavailable">;
  dispose(): void;
}

interface RemoteKeysParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly fetch: Fetch;
}

/** A key that its issuer takes back counts no longer than this. */
const MAX_AGE_MS = 600_000;
const COOLDOWN_MS = 30_000;
const RETRY_MS = 5_000;
const TIMEOUT_MS = 5_000;
const MAX_BYTES = 1_048_576;

export function createRemoteKeys(url: string, { clock, log, fetch }: RemoteKeysParts): RemoteKeys {
  let keys: KeySet | undefined;
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let notBefore = Number.NEGATIVE_INFINITY;
  let isDown = false;
  let underWay: Promise<void> | undefined;
  const disposal = new AbortController();

  async function find(
    alg: string,
    kid: string | undefined,
  ): Promise<CryptoKey | "unknown_key" | "unavailable"> {
    if (clock.now() - fetchedAt >= MAX_AGE_MS) {
      const refreshed = refresh();
      // An issuer that is down is asked beside the way, so that it slows nobody whose key is known.
      if (keys === undefined || !isDown) await refreshed;
    }
    const found = await keys?.find(alg, kid);
    if (found !== undefined) return found;
    await refresh();
    return (await keys?.find(alg, kid)) ?? (isDown ? "unavailable" : "unknown_key");
  }

  function refresh(): Promise<void> {
    if (underWay !== undefined) return underWay;
    if (clock.now() < notBefore) return Promise.resolve();
    underWay = load().finally(() => {
      underWay = undefined;
    });
    return underWay;
  }

  async function load(): Promise<void> {
    const deadline = new AbortController();
    const timer = clock.after(TIMEOUT_MS, () =>
      deadline.abort(new Error(`no answer within ${TIMEOUT_MS} ms`)),
    );
    try {
      keys = await fetchKeys(url, fetch, AbortSignal.any([deadline.signal, disposal.signal]));
      fetchedAt = clock.now();
      isDown = false;
    } catch (error) {
      isDown = true;
      const reason = error instanceof Error ? error.message : String(error);
      if (!disposal.signal.aborted)
        log.warn({ jwks: url.split("?")[0], reason }, "! the keys of an issuer cannot be fetched");
    } finally {
      timer.cancel();
      notBefore = clock.now() + (isDown ? RETRY_MS : COOLDOWN_MS);
    }
  }

  return { find, dispose: () => disposal.abort() };
}

/** Rejects with what is wrong, in words for the log. */
async function fetchKeys(url: string, fetch: Fetch, signal: AbortSignal): Promise<KeySet> {
  const response = await fetch(url, {
    redirect: "manual",
    signal,
    // Said, because a variable of the process (NODE_TLS_REJECT_UNAUTHORIZED) would switch it off in silence.
    tls: { rejectUnauthorized: true },
    // What is not compressed cannot grow while it is read.
    decompress: false,
    headers: { Accept: "application/jwk-set+json, application/json", "Accept-Encoding": "identity" },
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`it answers ${response.status}`);
  }
  const keys = readKeySet(parse(await readBounded(response)));
  if (keys === undefined) throw new Error("it holds no key that can be used");
  return keys;
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decodeUtf8(bytes) ?? "");
  } catch {
    throw new Error("its answer is no JSON");
  }
}

async function readBounded({ body }: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    chunks.push(chunk);
    length += chunk.length;
    // Leaving the loop ends the transfer.
    if (length > MAX_BYTES) throw new Error(`its answer has more than ${MAX_BYTES} bytes`);
  }
  return Buffer.concat(chunks);
}
