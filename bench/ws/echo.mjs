// echo on the `ws` package: a sender that does not read is paused at 1 MiB.
import { serve } from "./serve.mjs";

serve((ws) => {
  const resume = () => {
    if (ws.isPaused && ws.bufferedAmount < 512 * 1024) ws.resume();
  };
  ws.send("Welcome to the Echo Server!");
  ws.on("message", (data, binary) => {
    ws.send(data, { binary }, resume);
    if (ws.bufferedAmount > 1024 * 1024) ws.pause();
  });
});
