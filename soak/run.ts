/** One soak from its first client to its last: what was counted on the way, and what is left behind. */
import { createCrowd } from "./crowd.ts";
import { echoService, type SoakGateway, startGateway } from "./gateway.ts";
import { accountsOf, broken, leftovers } from "./ledger.ts";
import { readMetrics } from "./metrics.ts";
import { lows, type Sample, type Slope, slopeOf } from "./slope.ts";
import type { Account } from "./station.ts";
import { soakConfig, soakStations } from "./stations.ts";

export interface SoakOptions {
  readonly seconds: number;
  /** 1: about 2,000 clients. */
  readonly scale: number;
  /** Joins and leaves a second. */
  readonly churn: number;
  /** Seconds between two looks at the books. */
  readonly checkEvery: number;
  /** Of what happens meanwhile. */
  readonly tell: (text: string) => void;
}

export interface Checkpoint {
  /** Seconds since the crowd began to speak. */
  readonly at: number;
  readonly accounts: readonly Account[];
}

export interface SoakResult {
  readonly seconds: number;
  readonly clients: number;
  readonly churned: number;
  readonly messages: number;
  readonly dropped: number;
  readonly checkpoints: readonly Checkpoint[];
  /** After everybody has left. */
  readonly left: readonly Account[];
  /** Samples after the warm-up, the least of each while, and the line through them. */
  readonly memory: { readonly samples: readonly Sample[]; readonly slope: Slope };
  /** Open descriptors of the gateway before the first and after the last client. */
  readonly descriptors: { readonly before: number; readonly after: number };
  readonly faults: readonly string[];
  /** What the gateway wrote to stderr before it was told to stop: its log from warn on. */
  readonly said: readonly string[];
  readonly exitCode: number;
}

const SAMPLE_MS = 1_000;
const WARM_UP_SECONDS = 120;
/** Memory is sampled as the least of so many seconds. */
const LOW_SECONDS = 10;
/** What is on its way has arrived by then. */
const SETTLE_MS = 10_000;

export async function runSoak(options: SoakOptions): Promise<SoakResult> {
  using service = echoService();
  const config = soakConfig(service.target);
  const gateway = await startGateway(config);
  try {
    return await soak(gateway, Object.keys(config.routes ?? {}), options);
  } catch (error) {
    gateway.kill();
    throw error;
  }
}

async function soak(
  gateway: SoakGateway,
  routes: readonly string[],
  options: SoakOptions,
): Promise<SoakResult> {
  const { scale, churn, seconds, checkEvery, tell } = options;
  const faults: string[] = [];
  const fault = (text: string) => void faults.push(text);
  const stations = soakStations(gateway.port);
  const account = async () => accountsOf(stations, routes, await readMetrics(gateway.port));
  const before = await descriptorsOf(gateway, createCrowd({ stations, scale: 0, churn: 0, fault }));

  const crowd = createCrowd({ stations, scale, churn, fault });
  await crowd.gather();
  const { clients } = crowd;
  tell(`${clients} clients are there`);
  const samples: Sample[] = [];
  const checkpoints: Checkpoint[] = [];
  const began = performance.now();
  const now = () => (performance.now() - began) / 1_000;
  const sampling = setInterval(() => samples.push({ at: now(), bytes: gateway.residentBytes() }), SAMPLE_MS);
  try {
    while (now() < seconds) {
      crowd.go();
      await Bun.sleep(Math.min(checkEvery, seconds - now()) * 1_000);
      await crowd.hold();
      const accounts = await settled(account);
      checkpoints.push({ at: now(), accounts });
      const wrong = broken(accounts).length;
      tell(
        `${now().toFixed(0)} s: ${wrong} of ${accounts.length} accounts do not agree, ${faults.length} faults`,
      );
    }
  } finally {
    clearInterval(sampling);
  }
  const metrics = await readMetrics(gateway.port);
  await crowd.disperse();
  const left = await settled(async () => leftovers(await readMetrics(gateway.port)));
  const after = await eventually(
    () => gateway.descriptors(),
    (count) => count <= before,
  );
  const warm = samples.filter(({ at }) => at >= Math.min(WARM_UP_SECONDS, seconds / 5));
  const lowest = lows(warm, LOW_SECONDS);
  return {
    seconds: now(),
    clients,
    churned: crowd.churned,
    messages: metrics.sum("messages_received_total") + metrics.sum("messages_sent_total"),
    dropped: metrics.sum("messages_dropped_total"),
    checkpoints,
    left,
    memory: { samples: lowest, slope: slopeOf(lowest) },
    descriptors: { before, after },
    faults,
    said: [...gateway.said],
    exitCode: await gateway.stop(),
  };
}

/** Those that it has when one of each was there and has gone: what is opened once and kept is no leak. */
async function descriptorsOf(gateway: SoakGateway, first: ReturnType<typeof createCrowd>): Promise<number> {
  await first.gather();
  await first.disperse();
  await settled(async () => leftovers(await readMetrics(gateway.port)));
  return gateway.descriptors();
}

/** As soon as all agree, or as they are after SETTLE_MS. */
function settled(read: () => Promise<Account[]>): Promise<Account[]> {
  return eventually(read, (accounts) => broken(accounts).length === 0);
}

async function eventually<T>(read: () => T | Promise<T>, isIt: (value: T) => boolean): Promise<T> {
  const end = performance.now() + SETTLE_MS;
  for (;;) {
    const value = await read();
    if (isIt(value) || performance.now() > end) return value;
    await Bun.sleep(100);
  }
}
