/**
 * Bytes written to the gateway on a connection of their own, and what it says to them. The first piece is written and answered before
 * the others follow; a head that is not whole is answered by nobody, and they follow after ANSWER_MS. When it has been quiet for
 * QUIET_MS after that the client says that it will write no more; then the gateway must end the connection too. It hangs, when it has
 * not after END_MS.
 */
import { connect } from "node:net";
import type { Input } from "./target.ts";

const ANSWER_MS = 1_000;
const QUIET_MS = 25;
/** Many times what the gateway that is fuzzed waits for anything. */
const END_MS = 10_000;

export function exchange(host: string, [first, ...others]: Input): Promise<Buffer> {
  const [hostname = "", port] = host.split(":");
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const socket = connect({ host: hostname, port: Number(port), noDelay: true, allowHalfOpen: true });
  const heard: Buffer[] = [];
  let quiet = setTimeout(goOn, ANSWER_MS);
  function goOn(): void {
    clearTimeout(quiet);
    if (socket.writableEnded) return;
    for (const piece of others.splice(0)) socket.write(piece);
    quiet = setTimeout(() => socket.end(), QUIET_MS);
  }
  const late = setTimeout(() => {
    socket.destroy();
    reject(new Error(`the connection was not ended within ${END_MS / 1_000} s`));
  }, END_MS);
  const over = () => {
    clearTimeout(quiet);
    clearTimeout(late);
    socket.destroy();
    resolve(Buffer.concat(heard));
  };
  socket.on("data", (bytes: Buffer) => {
    heard.push(bytes);
    goOn();
  });
  socket.on("connect", () => void socket.write(first ?? ""));
  // A reset is an end like any other; where nobody listens any more, the house says so.
  socket.on("error", over);
  socket.on("end", over);
  socket.on("close", over);
  return promise;
}
