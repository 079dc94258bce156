/**
 * The part of the suite that is about relays: what `openRelay` promises, against a real gateway with `/relay`, in any runtime.
 */

/**
 * @typedef {import("../../src/client/relay.ts").Relay} Relay
 * @typedef {import("../../src/client/relay.ts").Partner} Partner
 *
 * @typedef {object} RelayHouse
 * @property {(role: "center" | "local", options?: object) => Relay} relay in a group of this check, closed when the check ends
 * @property {() => void} cut ends the newest connection, as a network would
 */

/** @type {Record<string, (house: RelayHouse) => Promise<void>>} */
export const RELAY_CHECKS = {
  async "a relay hands over each message once, in order, over lost connections"({ relay, cut }) {
    const [center, local] = [relay("center"), relay("local")];
    const numbers = Array.from({ length: 60 }, (_, n) => ({ n: n + 1 }));
    const reading = [take(center, 60), take(local, 60)];
    const sent = [];
    for (let n = 1; n <= 60; n++) {
      sent.push(center.send({ n }), local.send({ n }));
      if (n % 15 !== 10) continue;
      cut();
      await sent.at(-1);
    }
    await Promise.all(sent);
    for (const heard of await Promise.all(reading)) equal(heard, numbers);
  },

  async "a relay carries bytes"({ relay }) {
    const center = relay("center");
    const heard = take(relay("local"), 1);
    await center.send(new Uint8Array([0, 255, 7]));
    const [data] = await heard;
    equal(data instanceof Uint8Array && [...data], [0, 255, 7]);
  },

  async "a relay tells who the partner is, and when it goes"({ relay }) {
    const center = relay("center");
    const local = relay("local", { info: { name: "door 3" } });
    equal((await partner(center, "online")).info, { name: "door 3" });
    await partner(local, "online");
    await local.close();
    equal((await partner(center, "offline")).reason, "left");
  },

  async "a relay tells what was not handed over in its time"({ relay }) {
    const code = await relay("center")
      .send("in vain", { ttl: 20 })
      .catch((error) => error.code);
    equal(code, "expired");
  },
};

/** @param {Relay} relay @param {number} count @returns {Promise<unknown[]>} */
async function take(relay, count) {
  const heard = [];
  for await (const { data } of relay) if (heard.push(data) === count) break;
  return heard;
}

/** @param {Relay} relay @param {Partner["state"]} state @returns {Promise<Partner>} */
function partner(relay, state) {
  return new Promise((resolve) => {
    const look = () => {
      if (relay.partner.state !== state) return;
      stop();
      resolve(relay.partner);
    };
    const stop = relay.onPartner(look);
    look();
  });
}

/** @param {unknown} found @param {unknown} expected */
function equal(found, expected) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  if (a !== b) throw new Error(`expected ${b}, received ${a}`);
}
