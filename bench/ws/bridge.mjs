// bridge on the `ws` package: the frames of one event-loop turn go out together; the slow side pauses the other.
import { connect } from "node:net";
import { serve, targetPort } from "./serve.mjs";

serve((ws) => {
  const tcp = connect(targetPort, "127.0.0.1");
  let corked = false;
  const flush = () => {
    corked = false;
    tcp.uncork();
  };
  ws.on("message", (data) => {
    if (!corked) {
      corked = true;
      tcp.cork();
      setImmediate(flush);
    }
    if (!tcp.write(data) && tcp.writableLength > 1024 * 1024) ws.pause();
  });
  tcp.on("drain", () => ws.isPaused && ws.resume());
  tcp.on("data", (chunk) => {
    ws.send(chunk, { binary: true }, () => tcp.isPaused() && ws.bufferedAmount < 512 * 1024 && tcp.resume());
    if (ws.bufferedAmount > 1024 * 1024) tcp.pause();
  });
  tcp.on("end", () => ws.close(1000));
  tcp.on("error", () => ws.close(1014));
  ws.on("close", () => tcp.end());
  ws.on("error", () => tcp.destroy());
});
