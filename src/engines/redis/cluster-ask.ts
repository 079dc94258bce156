/** Asks the nodes of a Redis Cluster in turn who has what. Failure: rejects with what the node that was asked has to say. */
import type { Clock } from "../../clock.ts";
import type { Address, Clients } from "./clients.ts";
import { type ClusterMap, mapOf } from "./cluster-map.ts";
import type { Server } from "./server.ts";

export interface Master {
  readonly address: Address;
  readonly server: Server;
}

export interface AskOptions {
  readonly clients: Clients;
  readonly timeout: number;
  readonly clock: Clock;
}

/** `turn`: any number, another one each time. `others`: nodes without a connection, for when no master is up. */
export function askCluster(
  turn: number,
  masters: readonly Master[],
  others: readonly Address[],
  options: AskOptions,
): Promise<ClusterMap> {
  const up = masters.filter(({ server }) => server.problem === undefined);
  const master = up[turn % up.length];
  if (master !== undefined) return askMaster(master);
  const other = others[turn % others.length];
  if (other === undefined) return Promise.reject(new Error("engine.redis names no node of the Cluster"));
  return askOther(other, options);
}

async function askMaster({ server, address }: Master): Promise<ClusterMap> {
  const answers = [server.call("CLUSTER", ["SLOTS"]), server.call("CLUSTER", ["INFO"])];
  const [slots, info] = await Promise.all(answers);
  return mapOf(slots, info, address);
}

async function askOther(address: Address, { clients, timeout, clock }: AskOptions): Promise<ClusterMap> {
  const client = clients.once(address);
  let reason: Error | undefined;
  client.on("error", (error: Error) => {
    reason = error;
  });
  const late = clock.after(timeout, () => client.disconnect());
  try {
    await client.connect();
    const answers = [client.call("CLUSTER", ["SLOTS"]), client.call("CLUSTER", ["INFO"])];
    const [slots, info] = await Promise.all(answers);
    return mapOf(slots, info, address);
  } catch (error) {
    // What the connection says of its end says less than what came before it.
    throw reason ?? error;
  } finally {
    late.cancel();
    client.disconnect();
  }
}
