/** A TCP target in a process of its own, so that it can be stopped: prints its port, then for the first connection how many bytes came and their sha256. */
import { createHash } from "node:crypto";
import { createServer } from "node:net";

const server = createServer((socket) => {
  const hash = createHash("sha256");
  let size = 0;
  socket.on("data", (bytes) => {
    hash.update(bytes);
    size += bytes.length;
  });
  socket.on("end", () => {
    console.log(`came ${size} ${hash.digest("hex")}`);
    server.close();
  });
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  console.log(`port ${typeof address === "object" ? address?.port : address}`);
});
