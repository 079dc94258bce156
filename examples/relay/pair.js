// One of two peers that know what became of each line they say: run it with `center` in one terminal, with `local` in another.
import { createInterface } from "node:readline";
import { openRelay } from "fairlead/client/relay";

const [role = "center", url = "ws://127.0.0.1:8080/pair"] = process.argv.slice(2);
if (role !== "center" && role !== "local")
  throw new Error(`role: expected center or local, received ${role}`);

const relay = openRelay(url, { group: "lab", role });
relay.onPartner(({ state }) => console.log(`* the other one is ${state}`));

/** @param {string} line */
async function say(line) {
  try {
    await relay.send(line);
    console.log(`  delivered: ${line}`);
  } catch (error) {
    console.log(`  ${Object(error).code}: ${line}`);
  }
}
createInterface({ input: process.stdin })
  .on("line", say)
  .on("close", () => relay.close());

for await (const { from, data } of relay) console.log(`${from}: ${data}`);
