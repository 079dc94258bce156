/** Byte streams that outlive their connections, to a service that sends back what it gets, and whose links are cut: each byte comes back once, in order. */
import { openBridge } from "../../src/client/bridge.ts";
import { cuttable, opened } from "../cuttable.ts";
import type { Station, Visit } from "../station.ts";

const ROUTE = "/bridge/resume";
const PIECE = 4_096;

export function streamStation(port: number): Station {
  const counts = { written: 0, read: 0 };

  async function join(fault: (text: string) => void): Promise<Visit> {
    const links = cuttable();
    const bridge = openBridge(`ws://127.0.0.1:${port}${ROUTE}`, { WebSocket: links.WebSocket, minDelay: 10 });
    await opened(bridge);
    const writer = bridge.writable.getWriter();
    let count = 0;
    let writing = Promise.resolve();
    const broke = (error: unknown) => fault(`streams: ${error}`);
    const reading = readPattern(bridge.readable, (size) => {
      counts.read += size;
    }).catch(broke);
    return {
      say() {
        const piece = pattern(count++ * PIECE, PIECE);
        counts.written += PIECE;
        writing = writing.then(() => writer.write(piece)).catch(broke);
        if (count % 10 === 0) links.cut();
      },
      async leave() {
        await writing;
        await writer.close().catch(broke);
        await reading;
        await bridge.closed.catch(broke);
      },
    };
  }

  return {
    name: "streams",
    clients: 1,
    visits: 100,
    period: 4_000,
    join,
    accounts(metrics) {
      const open = metrics.sum("bridge_streams", { route: ROUTE });
      const parked = metrics.sum("bridge_streams_parked", { route: ROUTE });
      return [
        {
          what: "streams: bytes there and back",
          clients: counts.read,
          gateway: counts.written,
          rule: "equal",
        },
        { what: "streams: parked", clients: parked, gateway: open, rule: "at most" },
      ];
    },
  };
}

/** Byte `n` of a stream is `n % 251`: a piece that is lost, doubled or moved does not look right. */
export function pattern(start: number, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, n) => (start + n) % 251);
}

async function readPattern(
  readable: ReadableStream<Uint8Array>,
  came: (size: number) => void,
): Promise<void> {
  let at = 0;
  for await (const bytes of readable) {
    const wrong = bytes.findIndex((byte, n) => byte !== (at + n) % 251);
    if (wrong !== -1) throw new Error(`another byte at ${at + wrong}`);
    at += bytes.length;
    came(bytes.length);
  }
}
