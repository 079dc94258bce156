/** Pairs of peers with the library, whose links are cut now and then: each message that one sends has one end, and the other gets it once. */
import { openRelay, type Relay } from "../../src/client/relay.ts";
import { cuttable, opened } from "../cuttable.ts";
import type { Station, Visit } from "../station.ts";

const ROUTE = "/relay/v1";

export function relayStation(port: number): Station {
  const counts = { sent: 0, delivered: 0, refused: 0, taken: 0 };
  let joined = 0;

  async function join(fault: (text: string) => void): Promise<Visit> {
    const group = `pair-${joined++}`;
    const links = cuttable();
    const open = (role: "center" | "local") =>
      openRelay(`ws://127.0.0.1:${port}${ROUTE}`, { group, role, WebSocket: links.WebSocket });
    const [center, local] = [open("center"), open("local")];
    await Promise.all([opened(center), opened(local)]);
    const reading = [center, local].map((relay) => take(relay));
    const sending = new Set<Promise<void>>();
    let count = 0;

    async function take(relay: Relay): Promise<void> {
      let last = -1;
      for await (const { data } of relay) {
        counts.taken += 1;
        if (Number(data) <= last) fault(`relays: ${data} came after ${last}`);
        last = Number(data);
      }
    }

    async function send(relay: Relay, n: number): Promise<void> {
      counts.sent += 1;
      try {
        await relay.send(n);
        counts.delivered += 1;
      } catch (error) {
        counts.refused += 1;
        fault(`relays: a message was not delivered: ${error}`);
      }
    }

    return {
      say() {
        count += 1;
        const sent = send(count % 2 === 0 ? center : local, count);
        sending.add(sent);
        void sent.finally(() => sending.delete(sent));
        if (count % 10 === 0) links.cut();
      },
      async leave() {
        await Promise.all(sending);
        await Promise.all([center.close(), local.close()]);
        await Promise.all(reading);
      },
    };
  }

  return {
    name: "relays",
    clients: 2,
    visits: 50,
    period: 2_500,
    join,
    accounts(metrics) {
      const due = metrics.sum("messages_due_total", { route: ROUTE });
      const { sent, delivered, taken } = counts;
      return [
        { what: "relays: sent", clients: sent, gateway: due, rule: "equal" },
        { what: "relays: receipts", clients: delivered + counts.refused, gateway: due, rule: "equal" },
        { what: "relays: taken", clients: taken, gateway: delivered, rule: "equal" },
      ];
    },
  };
}
