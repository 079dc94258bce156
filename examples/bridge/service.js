// A TCP service that answers each line with the same line backwards.
import { createServer } from "node:net";
import { createInterface } from "node:readline";

createServer((socket) => {
  socket.on("error", () => socket.destroy());
  createInterface({ input: socket }).on("line", (line) => socket.write(`${[...line].reverse().join("")}\n`));
}).listen(9000, "127.0.0.1");
