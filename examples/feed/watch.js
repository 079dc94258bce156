// Prints what is known of one price, then the newest of all of them, until Ctrl-C.
import { connect } from "fairlead/client";

const [url = "ws://127.0.0.1:8080/feed/prices"] = process.argv.slice(2);

const session = connect(url);
const { messages } = await session.history("prices.AAPL", { limit: 3 });
for (const { time, data } of messages) console.log(new Date(time).toISOString(), JSON.stringify(data));

for await (const item of session.subscribe("prices.*", { last: 1 })) {
  if (item.type === "message") console.log(item.topic, JSON.stringify(item.data));
  else if (item.type === "gap") console.log(item.topic, "some prices were missed:", item.reason);
}
