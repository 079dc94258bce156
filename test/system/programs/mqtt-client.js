/**
 * MQTT.js publishes and subscribes with QoS 1, and says as JSON what went out and what came in.
 *
 *   node mqtt-client.js FOLDER-OF-MQTT.JS PUBLISHER-URL SUBSCRIBER-URL
 */
import { createHash, randomBytes, randomInt } from "node:crypto";

const [library, from, to] = process.argv.slice(2);
const MESSAGES = 100;
const LARGEST = 64 * 1024;

const { default: mqtt } = await import(`${library}/build/index.js`);
const options = { connectTimeout: 5_000, reconnectPeriod: 0 };
const subscriber = await mqtt.connectAsync(to, options);
const publisher = await mqtt.connectAsync(from, options);

const [sent, received] = [createHash("sha256"), createHash("sha256")];
let count = 0;
const all = new Promise((resolve) => {
  /** @param {string} _ @param {Uint8Array} payload */
  const take = (_, payload) => {
    received.update(payload);
    count += 1;
    if (count === MESSAGES) resolve(undefined);
  };
  subscriber.on("message", take);
});
await subscriber.subscribeAsync("noise", { qos: 1 });

const accepted = [];
for (let i = 0; i < MESSAGES; i += 1) {
  const payload = randomBytes(randomInt(LARGEST + 1));
  sent.update(payload);
  accepted.push(publisher.publishAsync("noise", payload, { qos: 1 }));
}
await Promise.all([all, ...accepted]);
await Promise.all([publisher.endAsync(), subscriber.endAsync()]);
console.log(JSON.stringify({ count, sent: sent.digest("hex"), received: received.digest("hex") }));
