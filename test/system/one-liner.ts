/** The one-liners as their users start them, on free ports, and what their clients hear. */
import { onTestFinished } from "bun:test";
import { project } from "./clone.ts";
import { start } from "./program.ts";

export const WELCOME = "Welcome to the Echo Server!";
export const CONNECTED = '{"type":"connected","message":"Connected to the real-time feed"}';
export const QUOTE =
  /^\{"symbol":"(?:AAPL|GOOGL|MSFT|AMZN)","price":[1-4]\d\d(?:\.\d+)?,"source":"(?:alpha_vantage|yahoo_finance)","timestamp":\d{10}\}$/;
export const REGISTERED =
  /^连接成功，您的ID是: [0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** A one-liner on a free port; its address without the scheme. */
export async function serve(verb: string, ...flags: string[]): Promise<string> {
  const program = start(["node", "bin/fairlead.mjs", verb, ...flags, "--port", "0"], { cwd: project });
  const [, host = ""] = await program.says(/Fairlead listens on http:\/\/(\S+)/);
  return host;
}

/** A TCP service that answers in capitals. */
function capitals(): string {
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: (socket, bytes) => void socket.write(bytes.toString().toUpperCase()) },
  });
  onTestFinished(() => server.stop(true));
  return `127.0.0.1:${server.port}`;
}

/** A bridge to it. */
export const bridge = (...flags: string[]) => serve("bridge", "--target", capitals(), ...flags);
export const envelope = (sender_type: string, content: string, message_type: string | null = null) =>
  JSON.stringify({ group_id: "g", sender_type, receiver_type: "", content, message_type });
export const contentOf = (text: string): string => JSON.parse(text).content;
