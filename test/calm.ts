/** What must hold after every attack: the next client is served, and the counters are back at zero. */
import { expect } from "bun:test";
import type { TestGateway } from "./gateway.ts";
import { bounded, frame, type RawClient, upgrade } from "./raw-client.ts";
import { within } from "./system/program.ts";

/** `path` is an echo route without a welcome; clients that stay open are counted as not calm. */
export async function expectCalm(gateway: TestGateway, path = "/echo"): Promise<void> {
  await expectNextIsServed(gateway, path);
  await eventually("no connection is counted", async () => (await openConnections(gateway)) === 0);
  expect(await gateway.metric("fairlead_descriptors_used")).toBe(0);
}

export async function expectNextIsServed(gateway: TestGateway, path = "/echo"): Promise<void> {
  using next = await upgrade(gateway.host, { path });
  await expectEcho(next, "next, please");
}

export async function expectEcho(client: RawClient, text: string): Promise<void> {
  client.write(frame(text));
  const { payload } = await client.next();
  expect(payload.toString()).toBe(text);
}

/** Looks again and again, until the bound of every wait. */
export function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  let isLate = false;
  async function look(): Promise<void> {
    while (!isLate && !(await holds())) await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return bounded(what, look()).finally(() => {
    isLate = true;
  });
}

const CALM_SECONDS = 30;

/** As `eventually`, with a bound of its own, and what is still wrong when it is late. */
export function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  seconds = CALM_SECONDS,
  why: () => string | undefined = () => undefined,
): Promise<void> {
  let isLate = false;
  const look = async () => {
    while (!isLate && !(await holds())) await Bun.sleep(20);
  };
  const text = () => `not yet: ${what}${why() === undefined ? "" : `; ${why()}`}`;
  return within(seconds, look(), text).finally(() => {
    isLate = true;
  });
}

/** Connections of all routes, as `/metrics` has them. */
async function openConnections(gateway: TestGateway): Promise<number> {
  const text = await (await fetch(gateway.http("/metrics"))).text();
  const values = [...text.matchAll(/^fairlead_connections\{.*\} (\d+)$/gm)].map(([, value]) => Number(value));
  return values.reduce((sum, value) => sum + value, 0);
}
