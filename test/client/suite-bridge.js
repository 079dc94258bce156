/** What `openBridge` promises, as checks of suite.js: `/tcp` is a bridge to a service that sends back what comes, and its end. */

/**
 * @typedef {object} BridgeHouse
 * @property {(path: string, options?: object) => import("../../src/client/bridge.ts").Bridge} bridge ends with the check
 * @property {() => void} cut ends the newest connection, as a network would
 */

/** @type {Record<string, (house: BridgeHouse) => Promise<void>>} */
export const BRIDGE_CHECKS = {
  async "openBridge: brings back every byte, over connections that are lost"({ bridge, cut }) {
    const { readable, writable, closed } = bridge("/tcp");
    const sent = crypto.getRandomValues(new Uint8Array(65_536));
    const back = readAll(readable, (chunks) => void (chunks % 20 === 10 && cut()));
    const writer = writable.getWriter();
    for (let n = 0; n < 64; n++) await writer.write(sent);
    await writer.close();
    equal(await back, [64 * sent.length, 64 * sumOf(sent)]);
    await closed;
  },

  async "openBridge: fills memory that its reader brings"({ bridge }) {
    const { readable, writable, closed } = bridge("/tcp");
    const writer = writable.getWriter();
    await writer.write(new Uint8Array([1, 2, 3, 4, 5]));
    const reader = readable.getReader({ mode: "byob" });
    equal([...((await reader.read(new Uint8Array(3))).value ?? [])], [1, 2, 3]);
    equal([...((await reader.read(new Uint8Array(3))).value ?? [])], [4, 5]);
    await writer.close();
    equal((await reader.read(new Uint8Array(3))).done, true);
    await closed;
  },

  async "openBridge: ends at once by its signal, and is refused where there is no bridge"({ bridge }) {
    const abort = new AbortController();
    const { readable, writable, closed } = bridge("/tcp", { signal: abort.signal });
    const reader = readable.getReader();
    const writer = writable.getWriter();
    await writer.write(new Uint8Array(1));
    await reader.read();
    abort.abort();
    await rejects(reader.read(), "aborted");
    await rejects(writer.write(new Uint8Array(1)), "aborted");
    await closed;
    await rejects(bridge("/nowhere").closed, "refused");
  },
};

/**
 * How many bytes a stream has, and their sum.
 * @param {ReadableStream<Uint8Array>} readable
 * @param {(chunks: number) => void} onChunk
 */
async function readAll(readable, onChunk) {
  const reader = readable.getReader();
  let [size, sum, chunks] = [0, 0, 0];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return [size, sum];
    size += value.length;
    sum += sumOf(value);
    onChunk(++chunks);
  }
}

/** @param {Uint8Array} data */
const sumOf = (data) => data.reduce((sum, byte) => sum + byte, 0);

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
