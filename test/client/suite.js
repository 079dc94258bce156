/**
 * What the library promises, against a real gateway, in plain JavaScript without a test framework: the same checks run in Bun, Node, Deno and
 * Chromium. The gateway has `/echo`, `/relay`, `/room/:name` and `/feed/:topic` with `publish` on, and
 * `/tcp`, a bridge to a service that sends back what comes, and `/members/:name`, a room that wants tokens.
 */
import { BRIDGE_CHECKS } from "./suite-bridge.js";
import { RELAY_CHECKS } from "./suite-relay.js";
import { TOKEN_CHECKS } from "./suite-tokens.js";

/**
 * @typedef {typeof import("../../src/client/index.ts") & typeof import("../../src/client/relay.ts") & typeof import("../../src/client/bridge.ts")} Library
 * @typedef {import("../../src/client/index.ts").Session} Session
 * @typedef {import("../../src/client/index.ts").Subscription} Subscription
 * @typedef {import("../../src/client/index.ts").Item} Item
 *
 * @typedef {object} House
 * @property {(path: string, options?: object) => Session} connect closed when the check ends
 * @property {(path: string) => InstanceType<Library["ReconnectingSocket"]>} socket
 * @property {() => void} cut ends the newest connection, as a network would
 * @property {string} name no other check has it
 */

/** @type {Record<string, (house: House & import("./suite-relay.js").RelayHouse & import("./suite-bridge.js").BridgeHouse) => Promise<void>>} */
const CHECKS = {
  ...RELAY_CHECKS,
  ...BRIDGE_CHECKS,
  ...TOKEN_CHECKS,
  async "publishes and reads, with positions"({ connect, name }) {
    const session = connect(`/feed/${name}`);
    const items = read(session.subscribe());
    const { topic, ...position } = await session.publish({ n: 1, text: "žluťoučký 🐎" });
    const message = await items.message();
    equal(topic, name);
    equal([message.epoch, message.offset], "epoch" in position ? [position.epoch, position.offset] : []);
    equal(message.data, { n: 1, text: "žluťoučký 🐎" });
    equal(session.positions, { "": { [name]: { epoch: message.epoch, offset: 1 } } });
  },

  async "carries bytes both ways, and in history"({ connect, name }) {
    const session = connect(`/feed/${name}`);
    const items = read(session.subscribe());
    await session.publish(new Uint8Array([0, 255, 7]));
    equal([...bytes((await items.message()).data)], [0, 255, 7]);
    const { messages } = await session.history();
    equal([...bytes(messages[0]?.data)], [0, 255, 7]);
  },

  async "goes on after a loss: nothing missing, nothing twice, in order"({ connect, cut, name }) {
    const writer = connect(`/feed/${name}`);
    const reader = connect(`/feed/${name}`, QUICK);
    const items = read(reader.subscribe());
    const pattern = reader.subscribe(`${name}.*`);
    const other = read(pattern);
    await pattern.ready;
    await writer.publish(1);
    equal((await items.message()).data, 1);
    for (let n = 2; n <= 31; n++) {
      if (n % 10 === 0) cut();
      await writer.publish(n);
      await writer.publish(`${name}.${n % 3}`, n);
    }
    for (let n = 2; n <= 31; n++) equal((await items.message()).data, n);
    /** @type {Record<string, unknown[]>} */
    const heard = {};
    for (let n = 2; n <= 31; n++) {
      const { topic, offset } = await other.message();
      heard[topic] = [...(heard[topic] ?? []), offset];
    }
    for (const n of [0, 1, 2]) equal(heard[`${name}.${n}`], range(1, 10));
  },

  async "publishes once what was on its way when the connection was lost"({ connect, cut, name }) {
    const session = connect(`/feed/${name}`, QUICK);
    const items = read(session.subscribe());
    await session.ping();
    const sent = [];
    for (let n = 0; n < 200; n++) {
      if (n % 50 === 25) cut();
      sent.push(session.publish(n));
      if (n % 20 === 0) await session.ping();
    }
    const positions = await Promise.all(sent);
    equal(
      positions.map((at) => ("offset" in at ? at.offset : 0)),
      range(1, 200),
    );
    for (let n = 0; n < 200; n++) equal((await items.message()).data, n);
  },

  async "keeps what is published while it is away, up to a bound"({ connect, cut, name }) {
    const session = connect(`/feed/${name}`, QUICK);
    await session.ping();
    cut();
    await until(session, "away");
    const sent = range(1, 256).map((n) => session.publish(n));
    await rejects(session.publish(257), "buffer_full");
    equal((await Promise.all(sent)).length, 256);
  },

  async "reads a pattern, and topics that begin later"({ connect, name }) {
    const session = connect(`/feed/${name}`);
    await session.publish(`${name}.a`, 1);
    const items = read(session.subscribe(`${name}.>`, { last: 10 }));
    await session.publish(`${name}.b.c`, 2);
    const found = [await items.message(), await items.message()];
    equal(
      found.map(({ topic, data }) => [topic, data]),
      [
        [`${name}.a`, 1],
        [`${name}.b.c`, 2],
      ],
    );
  },

  async "goes on from positions that another session had"({ connect, name }) {
    const first = connect(`/feed/${name}`);
    const items = read(first.subscribe(name));
    await first.publish(1);
    await items.message();
    const positions = JSON.parse(JSON.stringify(first.positions));
    first.close();
    const second = connect(`/feed/${name}`);
    await second.publish(2);
    const third = connect(`/feed/${name}`, { positions });
    equal((await read(third.subscribe(name)).message()).data, 2);
  },

  async "tells a gap where the history no longer holds all"({ connect, name }) {
    const writer = connect(`/feed/${name}`);
    const { epoch } = /** @type {{ epoch: string }} */ (/** @type {unknown} */ (await writer.publish(1)));
    await Promise.all(range(2, 150).map((n) => writer.publish(n)));
    const items = read(writer.subscribe(name, { since: { epoch, offset: 1 } }));
    const gap = await items.next();
    equal([gap.type, "reason" in gap && gap.reason], ["gap", "unrecovered"]);
  },

  async "knows who is in a room, who comes and who goes"({ connect, name }) {
    const ann = connect(`/room/${name}`);
    const items = read(ann.subscribe(undefined, { presence: true }));
    await ann.ping();
    const bob = connect(`/room/${name}`);
    await bob.ping();
    equal((await ann.presence()).length, 2);
    equal((await items.next("join")).type, "join");
    bob.close();
    equal((await items.next("leave")).type, "leave");
  },

  async "leaves a reader that does not read, and brings it everything when it does"({ connect, name }) {
    const session = connect(`/room/${name}`);
    const subscription = session.subscribe();
    await subscription.ready;
    const all = await Promise.all(range(1, 1_100).map((n) => session.publish(n)));
    equal(all.length, 1_100);
    const items = read(subscription);
    let last = 0;
    for (let n = 1; n <= 1_100 && last < 1_100; n++) {
      const item = await items.next();
      if (item.type === "message" && item.offset !== last + 1)
        throw new Error(`${item.offset} after ${last}`);
      if ("offset" in item) last = item.offset;
    }
    equal(last, 1_100);
  },

  async "refuses misuse with the server's word"({ connect, name }) {
    const session = connect(`/feed/${name}`);
    await rejects(session.publish("a.*", 1), "bad_request");
    await rejects(session.subscribe("not a topic").ready, "bad_request");
    await rejects(session.publish("x".repeat(100_000)), "too_large");
    equal(session.status.type, "open");
  },

  async "aborts what waits, and ends what is read"({ connect, name }) {
    const session = connect(`/feed/${name}`);
    const abort = new AbortController();
    await rejects(session.ping({ signal: AbortSignal.abort() }), "aborted");
    const done = session.subscribe(undefined, { signal: abort.signal }).listen(() => {});
    await session.ping();
    abort.abort();
    await done;
    session.close();
    await rejects(session.publish(1), "closed");
  },

  async "ReconnectingSocket: comes back, and sends what waited"({ socket, cut }) {
    const echo = socket("/echo");
    echo.binaryType = "arraybuffer";
    /** @type {(data: unknown) => void} */
    let heard = () => {};
    const next = () =>
      new Promise((resolve) => {
        heard = resolve;
      });
    /** @param {"close"} type */
    const event = (type) => new Promise((resolve) => echo.addEventListener(type, resolve, { once: true }));
    echo.addEventListener("message", ({ data }) => heard(data));
    echo.send("one");
    equal(await next(), "one");
    cut();
    await event("close");
    equal(echo.readyState, echo.CONNECTING);
    const own = new Uint8Array([1, 2]);
    echo.send(own);
    own.fill(9);
    equal([...new Uint8Array(/** @type {ArrayBuffer} */ (await next()))], [1, 2]);
    echo.close(1000, "done");
    await event("close");
    equal(echo.readyState, echo.CLOSED);
  },
};

const QUICK = { minDelay: 5, maxDelay: 50 };

/**
 * Runs all checks; says `ok NAME` or `not ok NAME: why` for each, and returns how many failed.
 * @param {Library} library
 * @param {string} base like ws://127.0.0.1:8080
 * @param {(line: string) => void} say
 */
export async function runSuite(library, base, say) {
  let failed = 0;
  for (const [name, check] of Object.entries(CHECKS)) {
    const house = createHouse(library, base);
    try {
      await deadline(check(house.house));
      say(`ok ${name}`);
    } catch (error) {
      failed += 1;
      say(`not ok ${name}: ${error instanceof Error ? error.stack : error}`);
    }
    house.leave();
  }
  say(`1..${Object.keys(CHECKS).length}`);
  return failed;
}

/** @param {Library} library @param {string} base */
function createHouse({ connect, openBridge, openRelay, ReconnectingSocket }, base) {
  /** @type {WebSocket[]} */
  const sockets = [];
  /** @type {{ close(): void }[]} */
  const open = [];
  class Cut extends WebSocket {
    /** @param {string} url @param {string | string[]} [protocols] */
    constructor(url, protocols) {
      super(url, protocols);
      sockets.push(this);
    }
  }
  /** @template {{ close(): void }} T @param {T} made */
  const keep = (made) => {
    open.push(made);
    return made;
  };
  const name = `t${crypto.randomUUID()}`;
  /** @type {House & import("./suite-relay.js").RelayHouse & import("./suite-bridge.js").BridgeHouse} */
  const house = {
    name,
    connect: (path, options) => keep(connect(base + path, { WebSocket: Cut, ...options })),
    socket: (path) => keep(new ReconnectingSocket(base + path, [], { WebSocket: Cut, ...QUICK })),
    relay: (role, options) =>
      keep(openRelay(`${base}/relay`, { WebSocket: Cut, group: name, role, ...QUICK, ...options })),
    bridge(path, options) {
      const over = new AbortController();
      keep({ close: () => over.abort() });
      return openBridge(base + path, { WebSocket: Cut, signal: over.signal, ...QUICK, ...options });
    },
    cut: () => sockets.at(-1)?.close(4000),
  };
  return { house, leave: () => open.forEach((each) => void each.close()) };
}

/** @param {Subscription} subscription */
function read(subscription) {
  const iterator = subscription[Symbol.asyncIterator]();
  /** @param {Item["type"]} [type] others are passed over @returns {Promise<Item>} */
  const next = async (type) => {
    const { done, value } = await iterator.next();
    if (done) throw new Error("the subscription is over");
    return type === undefined || value.type === type ? value : next(type);
  };
  return {
    next,
    async message() {
      const item = await next();
      if (item.type !== "message") throw new Error(`expected a message, received ${JSON.stringify(item)}`);
      return item;
    },
  };
}

/** @param {Session} session @param {string} type @returns {Promise<void>} */
function until(session, type) {
  return new Promise((resolve) => {
    const look = () => {
      if (session.status.type !== type) return;
      stop();
      resolve();
    };
    const stop = session.onStatus(look);
    look();
  });
}

/** @param {Promise<unknown>} promise @param {string} code */
async function rejects(promise, code) {
  const error = await promise.then(
    () => undefined,
    (reason) => reason,
  );
  equal(error?.code, code);
}

/** @param {unknown} found @param {unknown} expected */
function equal(found, expected) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  if (a !== b) throw new Error(`expected ${b}, received ${a}`);
}

/** @param {unknown} data */
function bytes(data) {
  if (data instanceof Uint8Array) return data;
  throw new Error(`expected bytes, received ${JSON.stringify(data)}`);
}

/** @param {number} first @param {number} last */
const range = (first, last) => Array.from({ length: last - first + 1 }, (_, n) => first + n);

/** @template T @param {Promise<T>} promise @returns {Promise<T>} */
function deadline(promise) {
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("not done after 10 s")), 10_000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
