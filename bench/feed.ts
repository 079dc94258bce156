/** feed: one message, by WebSocket or by POST, to 100 subscribers; then the next. CPU is told per delivery. */
import { type Client, connectAll, connectHttp } from "./client.ts";
import { bare, fairlead, ws } from "./contestants.ts";
import { clientFrame, repeat, TEXT } from "./frames.ts";
import { closedLoop } from "./load.ts";
import type { Kind, Row } from "./measure.ts";
import type { Server } from "./server.ts";

const SUBSCRIBERS = 100;
const GREETINGS = 1;
const MESSAGE = "x".repeat(128);
const perRow = { unit: "deliveries", perPublish: SUBSCRIBERS } as const;

const subscribe = (server: Server, path: string) => connectAll(server.port, path, SUBSCRIBERS, GREETINGS);

/** One of the subscribers publishes, as in a room. */
function bySocket(burst: number): Row {
  const frames = repeat(clientFrame(MESSAGE, TEXT), burst);
  return {
    ...perRow,
    name: `128 B to ${SUBSCRIBERS}, ${burst === 1 ? "single" : `bursts of ${burst}`}`,
    async open(server) {
      const receivers = await subscribe(server, `/feed/${burst}`);
      const sender = receivers[0] as Client;
      return closedLoop(
        [{ sender, burst: () => frames, receivers, frames: SUBSCRIBERS * burst }],
        SUBSCRIBERS * burst,
      );
    },
  };
}

/** The answer to the POST is waited for too: HTTP allows one request under way. */
const byPost: Row = {
  ...perRow,
  without: ["ws"],
  name: `128 B to ${SUBSCRIBERS}, POST`,
  async open(server) {
    const receivers = await subscribe(server, "/feed/post");
    const sender = await connectHttp(server.port);
    const head = `POST /feed/post HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nContent-Type: text/plain\r\n`;
    const burst = Buffer.from(`${head}Content-Length: ${MESSAGE.length}\r\n\r\n${MESSAGE}`);
    const lane = { sender, burst: () => burst, receivers: [...receivers, sender], frames: SUBSCRIBERS + 1 };
    return closedLoop([lane], SUBSCRIBERS);
  },
};

export const feed: Kind = {
  name: "feed",
  contestants: [bare("feed"), fairlead("feed"), ws("feed")],
  rows: [bySocket(1), bySocket(32), byPost],
};
