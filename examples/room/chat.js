// A chat in the terminal: each line is said, each message printed. When the line drops, what is typed waits, and nothing is lost or said twice.
import { createInterface } from "node:readline";
import { connect } from "fairlead/client";

const [url = "ws://127.0.0.1:8080/room/lobby", name = "somebody"] = process.argv.slice(2);

const session = connect(url);
session.onStatus((status) => {
  if (status.type === "away") console.log(`* away, again in ${status.retryIn} ms`);
  if (status.type === "open") console.log(`* connected to ${url}`);
});

const room = session.subscribe(undefined, { last: 20, presence: true });
const reading = room.listen((item) => {
  if (item.type === "message") console.log(lineOf(item.data));
  else if (item.type === "gap") console.log("* some messages may be missing here");
  else console.log(`* ${item.total} here`);
});

for await (const text of createInterface({ input: process.stdin })) {
  await session.publish({ name, text }).catch((error) => console.log(`* not said: ${error.message}`));
}
session.close();
await reading;

/** @param {any} data of the page and of this script; a client without the library says plain text, and a stranger anything */
function lineOf(data) {
  const line = data?.text === undefined ? textOf(data) : `${textOf(data.name)}: ${textOf(data.text)}`;
  return line.replace(/[\p{Cc}\p{Bidi_Control}]/gu, "\ufffd"); // nothing of it may steer the terminal
}

/** @param {unknown} value */
function textOf(value) {
  return typeof value === "string" ? value : `${JSON.stringify(value)}`;
}
