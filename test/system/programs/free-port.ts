/**
 * A port of 127.0.0.1 for programs that cannot bind port 0. It lies below those that systems give to outgoing connections, so that
 * none of these takes it before the program does.
 */
import { createServer } from "node:net";

const FIRST = 20_000;
const COUNT = 10_000;
const TRIES = 50;

/** Free when it was looked at; a program that finds it taken says so, and its test fails. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
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
