/**
 * The part of the suite that is about tokens, against a real gateway with `/members/:name`, a room that wants to know who asks, in any runtime.
 */

/**
 * @typedef {import("../../src/client/index.ts").Session} Session
 *
 * @typedef {object} TokenHouse
 * @property {(path: string, options?: object) => Session} connect closed when the check ends
 * @property {string} name no other check has it
 */

/** The gateway's own; long enough for HMAC. */
export const SUITE_SECRET = "the secret of the suite, known to everybody";

/** @type {Record<string, (house: TokenHouse) => Promise<void>>} */
export const TOKEN_CHECKS = {
  async "a session with a token is its user, and what its rights do not name rejects"({ connect, name }) {
    const caps = { "*": { subscribe: [name], presence: true } };
    const session = connect(`/members/${name}`, {
      token: await sign({ sub: "ann", info: { face: 1 }, caps }),
    });
    const members = await session.presence();
    equal(
      members.map(({ user, info }) => [user, info]),
      [["ann", { face: 1 }]],
    );
    equal(await codeOf(session.publish("x")), "forbidden");
    equal(await codeOf(session.history()), "forbidden");
    equal(session.status.type, "open");
  },

  async "a session goes on under another token when its own has ended"({ connect, name }) {
    const tokens = [await sign({ sub: "ann" }, -1), await sign({ sub: "ann" })];
    let asked = 0;
    const session = connect(`/members/${name}`, { token: () => tokens[asked++] });
    const { conn } = await opened(session);
    await session.publish("before");
    while (asked < 2) await new Promise((resolve) => setTimeout(resolve, 20));
    await session.publish("after");
    equal([asked, (await opened(session)).conn], [2, conn]);
  },

  async "a page's session that is refused ends with the reason"({ connect, name }) {
    // No other runtime says where it comes from, and is answered with a status that a WebSocket is not told.
    if (!("document" in globalThis)) return;
    const caps = { "*": { subscribe: ["elsewhere"] } };
    const refused = [
      [connect(`/members/${name}`, { token: "x" }), 3000, "unauthorized"],
      [connect(`/members/${name}`, { token: async () => sign({ sub: "ann", caps }) }), 3003, "forbidden"],
    ];
    for (const [session, code, word] of /** @type {[Session, number, string][]} */ (refused)) {
      const status = await ended(session);
      equal([status.code, status.error?.code], [code, word]);
      equal(await codeOf(session.publish("x")), "closed");
    }
  },
};

/** @param {object} claims @param {number} [ends] in seconds from now */
async function sign(claims, ends = 3_600) {
  const exp = Math.floor(Date.now() / 1_000) + ends;
  const said = [{ alg: "HS256" }, { ...claims, exp }]
    .map((part) => base64url(utf8(JSON.stringify(part))))
    .join(".");
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", utf8(SUITE_SECRET), hmac, false, ["sign"]);
  return `${said}.${base64url(new Uint8Array(await crypto.subtle.sign(hmac, key, utf8(said))))}`;
}

/** @param {string} text */
const utf8 = (text) => new TextEncoder().encode(text);

/** @param {Uint8Array} bytes */
function base64url(bytes) {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @param {Session} session @returns {Promise<import("../../src/client/index.ts").OpenStatus>} */
const opened = (session) => /** @type {any} */ (reached(session, "open"));

/** @param {Session} session @returns {Promise<{ code: number, error?: { code: string } }>} */
const ended = (session) => /** @type {any} */ (reached(session, "closed"));

/** @param {Session} session @param {string} type */
function reached(session, type) {
  return new Promise((resolve) => {
    const look = () => {
      if (session.status.type === type) resolve(session.status);
    };
    session.onStatus(look);
    look();
  });
}

/** @param {Promise<unknown>} promise */
const codeOf = (promise) =>
  promise.then(
    () => undefined,
    (error) => error.code,
  );

/** @param {unknown} found @param {unknown} expected */
function equal(found, expected) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  if (a !== b) throw new Error(`expected ${b}, received ${a}`);
}
