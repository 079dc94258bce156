/**
 * recovery: 1,000 clients of fairlead.v1 come back at once, as after a restart of a proxy, and each has missed 1,000 messages. CPU
 * of the server from the first handshake until the last client has everything, and its memory before, at most, and after.
 */
import { type Client, connect, connectAll, heard } from "./client.ts";
import { fairlead } from "./contestants.ts";
import { cpuSeconds, peakBytes, rested } from "./proc.ts";
import { pubs } from "./pubs.ts";
import type { Figure } from "./report.ts";
import { boot, type Server } from "./server.ts";

const CLIENTS = 1_000;
const MESSAGES = 1_000;
const PATH = "/room/recovery";
const PROTOCOL = "fairlead.v1";
const BAR_CPU_S = 2;
const BAR_KEPT_MIB = 32;
const MIB = 2 ** 20;

/** A history that holds all of it; the default is 100 messages. */
export const history = { size: MESSAGES, bytes: "16MiB" };

export async function recovery(): Promise<Figure[]> {
  const server = await boot(fairlead("room", { history }), 0);
  const epoch = await publishAll(server);
  // The first storm pays for code, pools and the room of the sockets, which stay for the next.
  await storm(server, epoch);
  const before = await rested(server.pid);
  const cpu = await storm(server, epoch);
  const after = await rested(server.pid);
  const peak = peakBytes(server.pid);
  await server.stop();
  const name = `${CLIENTS.toLocaleString("en-US")} clients recover ${MESSAGES.toLocaleString("en-US")} messages`;
  const figure = { server: "fairlead" };
  return [
    { ...figure, name: `${name}: CPU`, value: cpu, unit: "s", bar: BAR_CPU_S },
    { ...figure, name: `${name}: memory before`, value: before / MIB, unit: "MiB" },
    { ...figure, name: `${name}: memory at most`, value: peak / MIB, unit: "MiB" },
    {
      ...figure,
      name: `${name}: memory kept`,
      value: (after - before) / MIB,
      unit: "MiB",
      bar: BAR_KEPT_MIB,
    },
  ];
}

/** Fills the history; answers its epoch. */
export async function publishAll({ port }: Server): Promise<string> {
  const publisher = await connect(port, PATH, PROTOCOL);
  publisher.write(pubs("x".repeat(128), MESSAGES)());
  // The welcome, and for each message its answer and its event.
  await heard(publisher, 1 + MESSAGES * 2);
  publisher.end();
  return readEpoch(port);
}

/** The welcome says where the topic stands. */
function readEpoch(port: number): Promise<string> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${PATH}`, PROTOCOL);
  const read = Promise.withResolvers<string>();
  socket.onmessage = ({ data }) => {
    const welcome: { sub: { epoch: string } } = JSON.parse(String(data));
    read.resolve(welcome.sub.epoch);
    socket.close();
  };
  socket.onerror = () => read.reject(new Error("recovery: the server cannot be reached"));
  return read.promise;
}

/** Seconds of CPU. Nobody waits for its messages before the next one dials. */
export async function storm({ port, pid }: Server, epoch: string): Promise<number> {
  const began = cpuSeconds(pid);
  const clients = await connectAll(port, `${PATH}?since=${epoch}:0`, CLIENTS, 0, PROTOCOL);
  await Promise.all(clients.map((client: Client) => heard(client, 1 + MESSAGES)));
  const cpu = cpuSeconds(pid) - began;
  for (const client of clients) client.end();
  return cpu;
}
