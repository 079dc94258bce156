/** A ReconnectingSocket on a network and a clock that tests move. */
import { ReconnectingSocket } from "../../src/client/index.ts";
import { type TestClock, testClock } from "../clock.ts";
import { fakeNetwork } from "./fake-web-socket.ts";

/** Longer than any wait between two attempts that nobody asked for. */
const LONGEST = 20_000;

export function house(
  ...[url = "ws://host/", protocols]: Partial<ConstructorParameters<typeof ReconnectingSocket>>
) {
  const net = fakeNetwork();
  const clock = testClock();
  const socket = new ReconnectingSocket(url, protocols, { WebSocket: net.WebSocket, clock });
  const events: string[] = [];
  socket.onopen = () => events.push("open");
  socket.onmessage = ({ data }) => events.push(`message ${data}`);
  socket.onerror = () => events.push("error");
  socket.onclose = ({ code }) => events.push(`close ${code}`);
  return { net, clock, socket, events };
}

/** What a browser tells when it has a network again. */
export const online = () => (globalThis as unknown as EventTarget).dispatchEvent(new Event("online"));
export const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** The next attempt is made. */
export async function longest(clock: TestClock) {
  clock.advance(LONGEST);
  await settle();
}
