/** A plain WebSocket client for tests: what it says waits for the open, what it hears waits for the test. */
import { within } from "./program.ts";

export interface Talk {
  say(text: string): void;
  /** The next message as text; binary is read as UTF-8. Rejects when the connection ends first, or after 10 s. */
  next(): Promise<string>;
  /** Messages joined until they match: a byte stream has no message borders of its own. */
  until(pattern: RegExp): Promise<string>;
  close(): void;
}

export function talkTo(url: string): Talk {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  const opened = new Promise((done) => socket.addEventListener("open", done));
  const heard: string[] = [];
  const waiting: { resolve(text: string): void; reject(error: Error): void }[] = [];
  const decoder = new TextDecoder();
  socket.addEventListener("message", ({ data }: MessageEvent<string | ArrayBuffer>) => {
    const text = typeof data === "string" ? data : decoder.decode(data);
    const first = waiting.shift();
    if (first === undefined) heard.push(text);
    else first.resolve(text);
  });
  socket.addEventListener("close", ({ code, reason }) => {
    for (const { reject } of waiting.splice(0)) reject(new Error(`${url} closed with ${code} ${reason}`));
  });
  const next = () => {
    const text = heard.shift();
    if (text !== undefined) return Promise.resolve(text);
    if (socket.readyState === WebSocket.CLOSED) return Promise.reject(new Error(`${url} is closed`));
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    waiting.push({ resolve, reject });
    return within(10, promise, () => `${url} said nothing more`);
  };
  return {
    say: (text) => void opened.then(() => socket.send(text)),
    next,
    async until(pattern) {
      let all = "";
      while (!pattern.test(all)) all += await next();
      return all;
    },
    close: () => socket.close(),
  };
}
