/** streams: the rows of bridge over `fairlead.bridge.v1`, every byte counted and kept until it is acknowledged, against a plain bridge. */

import {
  ACK_BYTES,
  ackFrame,
  BRIDGE_PROTOCOL,
  DATA_HEADER,
  dataFrame,
  MAX_DATA,
  WINDOW_BYTES,
} from "../src/wire/bridge-frames.ts";
import { CHUNK, down, type Ends, join, roundTrips, target, transfer, up } from "./bridge.ts";
import { heard } from "./client.ts";
import { fairlead } from "./contestants.ts";
import { BINARY, clientFrame, repeat } from "./frames.ts";
import { closedLoop, type Load } from "./load.ts";
import type { Kind, Row } from "./measure.ts";

const PLAIN = "plain";
const frameOf = (message: Uint8Array) => clientFrame(message, BINARY);

/**
 * Acknowledges what came. The counter sees frames and their bytes, not what they say, so an ACK of the server counts as data of 4 bytes:
 * the count stays behind by one DATA and never runs ahead.
 */
function acknowledges([client]: Ends, greeting: number): void {
  const { onRead } = client;
  let told = 0;
  client.onRead = () => {
    const passed = client.counter.bytes - greeting - (client.counter.frames - 1) * DATA_HEADER - MAX_DATA;
    if (passed - told >= ACK_BYTES) {
      told = passed;
      client.write(frameOf(ackFrame(passed)));
    }
    onRead();
  };
}

function streamDown(ends: Ends, greeting: number): Load {
  const load = down(ends);
  return {
    ...load,
    run(megabytes, times) {
      const round = load.run(megabytes, times);
      acknowledges(ends, greeting);
      return round;
    },
  };
}

/** Half the window may be under way, by what the target has: its ACK of that may be 64 KiB late. */
function streamUp([client, peer]: Ends, size: number): Load {
  const burst = repeat(frameOf(dataFrame(new Uint8Array(size))), CHUNK.length / size);
  return transfer(client, (bytes, done) => {
    let writes = Math.ceil(bytes / CHUNK.length);
    const start = peer.data.received;
    const goal = start + writes * CHUNK.length;
    const moved = goal - start;
    let sent = start;
    const write = () => {
      while (writes > 0 && sent - peer.data.received < WINDOW_BYTES / 2) {
        writes--;
        sent += CHUNK.length;
        if (!client.write(burst)) return;
      }
    };
    peer.data.onRead = () => (peer.data.received >= goal ? done() : write());
    client.onDrain = write;
    write();
    return moved;
  });
}

function streamRoundTrips([client, peer]: Ends): Load {
  peer.data.echoes = true;
  const burst = frameOf(dataFrame(new Uint8Array(64)));
  let trips = 0;
  const lane = {
    sender: client,
    burst() {
      trips += 1;
      if (trips % 1_000 !== 0) return burst;
      return Buffer.concat([frameOf(ackFrame((trips - 1_000) * 64)), burst]);
    },
    receivers: [client],
    frames: 1,
  };
  return closedLoop([lane], 1);
}

function row(
  name: string,
  unit: Row["unit"],
  bar: number,
  plain: (ends: Ends) => Load,
  stream: (ends: Ends, greeting: number) => Load,
): Row {
  return {
    name,
    unit,
    bar,
    async open(server) {
      if (server.name === PLAIN) return plain(await join(server));
      const ends = await join(server, BRIDGE_PROTOCOL);
      await heard(ends[0], 1);
      return stream(ends, ends[0].counter.bytes);
    },
  };
}

/** 0.6 of the megabytes in the same CPU time. */
const BAR = 1 / 0.6;

export const streams: Kind = {
  name: "streams",
  targetPort: target.port,
  boots: 2,
  contestants: [fairlead("bridge", {}, PLAIN), fairlead("bridge")],
  rows: [
    row("down", "MB", BAR, down, streamDown),
    row(
      "up, 64 KiB frames",
      "MB",
      BAR,
      (ends) => up(ends, 65_536),
      (ends) => streamUp(ends, 65_536),
    ),
    row(
      "up, 1 KiB frames",
      "MB",
      BAR,
      (ends) => up(ends, 1_024),
      (ends) => streamUp(ends, 1_024),
    ),
    row("64 B there and back", "round trips", 1.3, roundTrips, streamRoundTrips),
  ],
};
