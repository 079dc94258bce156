// The pages of the examples, and the library that they load, on http://127.0.0.1:3000. Any web server can do this.
import { join } from "node:path";

const LIBRARY = join(import.meta.dir, "../dist/client/index.js");
const FILES = {
  "/room": join(import.meta.dir, "room/index.html"),
  "/feed": join(import.meta.dir, "feed/index.html"),
  "/style.css": join(import.meta.dir, "style.css"),
  "/fairlead-client.js": LIBRARY,
};

if (!(await Bun.file(LIBRARY).exists())) {
  console.error("The library is not built yet: npm run build");
  process.exit(1);
}

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: process.argv[2] ?? 3000,
  routes: Object.fromEntries(
    Object.entries(FILES).map(([path, file]) => [path, () => new Response(Bun.file(file))]),
  ),
  fetch: () => new Response("There is /room and /feed.\n", { status: 404 }),
});
console.log(`${server.url}room`);
console.log(`${server.url}feed`);
