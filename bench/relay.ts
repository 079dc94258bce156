/** relay: 16 pairs; each center sends 100 B of content and waits for the confirmations and for its local to have it all. */
import { type Client, connectAll, heard } from "./client.ts";
import { bare, fairlead, ws } from "./contestants.ts";
import { clientFrame, repeat, TEXT } from "./frames.ts";
import { closedLoop, type Lane } from "./load.ts";
import type { Kind, Row } from "./measure.ts";

const PAIRS = 16;

function envelope(group: string, from: string, to: string, content: string): Uint8Array {
  const message = { group_id: group, sender_type: from, receiver_type: to, content, message_type: null };
  return clientFrame(JSON.stringify(message), TEXT);
}

/** Both peers said who they are; center was also told that its partner came. */
async function introduce(center: Client, local: Client, group: string): Promise<void> {
  center.write(envelope(group, "center", "local", "hello"));
  await heard(center, 1);
  local.write(envelope(group, "local", "center", "hello"));
  await Promise.all([heard(center, 2), heard(local, 1)]);
}

function row(window: number): Row {
  return {
    name: `100 B, window ${window}`,
    unit: "messages",
    bar: 1.2,
    async open(server) {
      const clients = await connectAll(server.port, "/relay", PAIRS * 2, 0);
      const lanes: Lane[] = [];
      for (let pair = 0; pair < PAIRS; pair++) {
        const [center, local] = clients.slice(pair * 2) as [Client, Client];
        const group = `${window}-${pair}`;
        await introduce(center, local, group);
        const burst = repeat(envelope(group, "center", "local", "x".repeat(100)), window);
        lanes.push({ sender: center, burst: () => burst, receivers: [center, local], frames: window * 2 });
      }
      return closedLoop(lanes, window);
    },
  };
}

export const relay: Kind = {
  name: "relay",
  contestants: [bare("relay"), fairlead("relay"), ws("relay")],
  rows: [row(1), row(64)],
};
