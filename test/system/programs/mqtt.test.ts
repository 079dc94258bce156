/** MQTT.js over WebSocket to mosquitto's TCP port. Without the subprotocol that it asks for it would go away at once. */
import { expect } from "bun:test";
import { join } from "node:path";
import { folder } from "../../folder.ts";
import { requires } from "../../requires.ts";
import { npmPackage } from "../npm-package.ts";
import { serve } from "../one-liner.ts";
import { start } from "../program.ts";
import { freePort } from "./free-port.ts";

const withMosquitto = requires("node", "mosquitto", "registry");

/** A broker with a config of its own; its address without a scheme. */
async function broker(mosquitto: string): Promise<string> {
  const host = `127.0.0.1:${await freePort()}`;
  const [address, port] = host.split(":");
  const lines = [
    `listener ${port} ${address}`,
    "allow_anonymous true",
    "persistence false",
    "log_dest stderr",
  ];
  const cwd = folder({ "mosquitto.conf": lines.join("\n") });
  await start([mosquitto, "-c", "mosquitto.conf"], { cwd }).says(/mosquitto version \S+ running/);
  return host;
}

/** What MQTT.js said and heard, from one URL to the other. */
async function talk(node: string, from: string, to: string) {
  const library = npmPackage("mqtt", "mqtt@5.16.0");
  const client = start([node, join(import.meta.dir, "mqtt-client.js"), library, from, to], { cwd: folder() });
  if ((await client.ended(20)) !== 0) throw new Error(client.output());
  return JSON.parse(client.output());
}

/** Schemes of the publisher and of the subscriber. */
for (const [from, to] of [
  ["ws", "ws"],
  ["ws", "mqtt"],
  ["mqtt", "ws"],
] as const) {
  withMosquitto(
    `100 messages of up to 64 KiB are the same if published over ${from}: and subscribed to over ${to}:`,
    async ({ node, mosquitto }) => {
      const tcp = await broker(mosquitto);
      const bridge = await serve("bridge", "--target", tcp, "--subprotocol", "mqtt");
      const urls = { ws: `ws://${bridge}/ws`, mqtt: `mqtt://${tcp}` };
      const { count, sent, received } = await talk(node, urls[from], urls[to]);
      expect(count).toBe(100);
      expect(received).toBe(sent);
    },
    60_000,
  );
}
