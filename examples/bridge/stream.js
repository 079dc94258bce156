// The same service as a stream of bytes that outlives a lost connection: cut the link while it runs, each line still comes once.
import { openBridge } from "fairlead/client/bridge";

const { readable, writable } = openBridge("ws://127.0.0.1:8080/lines");
const writer = writable.getWriter();
await writer.write(new TextEncoder().encode("stressed\nlive\n"));
await writer.close();
console.log(await new Response(readable).text());
