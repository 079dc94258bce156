/** peers: 16 pairs that speak fairlead.v1, every message answered, acknowledged and with its receipt, against the same in envelopes. */
import { type Client, connectAll, heard } from "./client.ts";
import { fairlead } from "./contestants.ts";
import { clientFrame, TEXT } from "./frames.ts";
import { closedLoop, type Lane, type Load } from "./load.ts";
import type { Kind, Row } from "./measure.ts";
import { relay } from "./relay.ts";
import type { Server } from "./server.ts";

const PAIRS = 16;
const DATA = "x".repeat(100);

const frame = (command: object) => clientFrame(JSON.stringify(command), TEXT);

/** Both have joined; center was also told that its partner came. */
async function introduce(center: Client, local: Client, group: string): Promise<void> {
  center.write(frame({ t: "join", id: 1, group, role: "center" }));
  await heard(center, 2);
  local.write(frame({ t: "join", id: 1, group, role: "local" }));
  await Promise.all([heard(center, 3), heard(local, 2)]);
}

/** `window` messages; those of the burst before are released. */
function sends(window: number): () => Uint8Array {
  let sent = 0;
  return () => {
    const frames = Array.from({ length: window }, (_, i) => {
      const seq = sent + i + 1;
      return frame({
        t: "send",
        id: seq + 1,
        idem: `m${seq}`,
        ...(i === 0 ? { done: sent } : {}),
        data: DATA,
      });
    });
    sent += window;
    return Buffer.concat(frames);
  };
}

/** As the library does: one `ack` for all that came in one read. */
function acknowledge(local: Client): void {
  const before = local.counter.frames;
  const { onRead } = local;
  let acknowledged = 0;
  local.onRead = () => {
    const upto = local.counter.frames - before;
    if (upto > acknowledged) local.write(frame({ t: "ack", upto }));
    acknowledged = upto;
    onRead();
  };
}

type Place = Pick<Server, "port">;

/** Centers at one server, locals at the other, or both at one. */
export async function pairs(at: Place, window: number, partnersAt = at): Promise<Load> {
  const dial = ({ port }: Place) => connectAll(port, "/relay", PAIRS, 1, "fairlead.v1");
  const [centers, locals] = [await dial(at), await dial(partnersAt)];
  const lanes: Lane[] = [];
  for (let pair = 0; pair < PAIRS; pair++) {
    const [center, local] = [centers[pair], locals[pair]] as [Client, Client];
    await introduce(center, local, `${window}-${pair}`);
    lanes.push({ sender: center, burst: sends(window), receivers: [center, local], frames: window * 3 });
  }
  const load = closedLoop(lanes, window);
  for (const { receivers } of lanes) for (const local of receivers.slice(1)) acknowledge(local);
  return load;
}

function row(window: number): Row {
  const plain = relay.rows.find(({ name }) => name.endsWith(`window ${window}`));
  return {
    name: `100 B, window ${window}`,
    unit: "messages",
    bar: 2,
    open: (server) =>
      server.name === "plain" && plain !== undefined ? plain.open(server) : pairs(server, window),
  };
}

export const peers: Kind = {
  name: "peers",
  contestants: [fairlead("relay", {}, "plain"), fairlead("relay")],
  rows: [row(1), row(64)],
};
