/**
 * A port of 127.0.0.1 for programs that cannot bind port 0. It lies below those that systems give to outgoing connections, so that
 * none of these takes it before the program does.
 */
import { createServer } from "node:net";

const FIRST = 20_000;
const COUNT = 10_000;
const TRIES = 50;

/** A program may not have bound its port yet when the next one is asked for: of a hundred, two would often be the same. */
const given = new Set<number>();

/** Free when it was looked at, and given once by this process; a program that finds it taken says so, and its test fails. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
  }
  throw new Error(`none of ${TRIES} ports from ${FIRST} to ${FIRST + COUNT - 1} is free on 127.0.0.1`);
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
