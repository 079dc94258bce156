/** From a request to a WebSocket, over real sockets: whom the route gets to see, and how browsers are told a refusal. */
import { describe, expect, test } from "bun:test";
import { createAccess } from "../../src/access.ts";
import type { Authenticator, Identity, Verdict } from "../../src/identity.ts";
import { createAuthGate } from "../../src/reception/auth-gate.ts";
import { refusal } from "../../src/refusals.ts";
import type { Route } from "../../src/route.ts";
import { eventually } from "../calm.ts";
import { testClock } from "../clock.ts";
import { connect } from "../gateway.ts";
import { ask, dial, head } from "../raw-client.ts";
import { type ServedRoute, serveRoute } from "../serve-route.ts";

const PROTOCOLS = "Sec-WebSocket-Protocol";
const alice: Identity = { user: "alice", by: "token" };
const denied: Verdict = { denied: "the token has expired" };

interface House {
  readonly verdict?: () => Verdict | undefined | Promise<Verdict | undefined>;
  readonly isRevoked?: () => boolean;
  readonly speaksV1?: boolean;
}

/** A route that requires a token, with an authenticator that says what the test wants. */
function serve(
  hooks: Partial<Route>,
  { verdict = () => denied, isRevoked = () => false, speaksV1 }: House = {},
): ServedRoute {
  const authenticator: Authenticator = {
    request: verdict,
    token: () => denied,
    revoke: () => true,
    isRevoked,
    dispose() {},
  };
  const access = createAccess({ route: "/x/:name", byDefault: { connect: ["open"] } });
  const auth = createAuthGate({ mode: "required", authenticator, access });
  const v1 = { open() {}, command() {} };
  const told = { kind: "echo", node: "n", heartbeat: 0, maxMessage: 0, highWater: 0 } as const;
  const session = { v1, ...told, subscribes: 0, burst: 1, deadline: 0, clock: testClock() };
  return serveRoute(hooks, { endpoint: { auth, ...(speaksV1 === true && { session }) } });
}

const origin = (protocols?: string) => ({
  path: "/x/a",
  headers: { Origin: "https://page.example", ...(protocols !== undefined && { [PROTOCOLS]: protocols }) },
});

describe("one whose token does not count", () => {
  test("gets 401 with what is wanted, and the route does not hear of it", async () => {
    let asked = 0;
    const admit = () => {
      asked += 1;
      return { admitted: {} };
    };
    const { host, refused, capacity } = serve({ admit });
    const answer = await ask(host, { path: "/x/a" });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    expect(answer.body).toContain("the token has expired");
    expect([asked, refused, capacity.used]).toEqual([0, ["unauthorized"], 0]);
  });

  test("gets the same for a plain request, before the route's HTTP side", async () => {
    let asked = 0;
    const handle = () => {
      asked += 1;
      return new Response("secret");
    };
    const { host } = serve({ http: { methods: ["GET", "POST"], handle } });
    for (const method of ["GET", "POST"]) {
      const response = await fetch(`http://${host}/x/a`, { method });
      expect([response.status, await response.text()]).toEqual([
        401,
        expect.stringContaining("unauthorized"),
      ]);
    }
    expect(asked).toBe(0);
  });
});

describe("a browser", () => {
  test("is closed with 3000 at once in place of a 401, counted as refused and not as a connection", async () => {
    const opened: string[] = [];
    const { host, refused, capacity, endpoint, listener } = serve({ open: ({ id }) => void opened.push(id) });
    using client = await dial(host);
    client.write(head(origin("binary")));
    expect((await client.answer()).status).toBe(101);
    const { code, reason } = await client.ending();
    expect([code, reason]).toEqual([3000, expect.stringContaining("the token has expired")]);
    await eventually("the place is given back", () => capacity.used === 0);
    expect(opened).toEqual([]);
    expect(refused).toEqual(["unauthorized"]);
    expect(endpoint.counters.opened + listener.connections.size).toBe(0);
  });

  test("that speaks fairlead.v1 is told in a frame before", async () => {
    const { host } = serve({}, { speaksV1: true });
    using client = await dial(host);
    client.write(head(origin("fairlead.v1, fairlead.token.eA")));
    const answer = await client.answer();
    expect(answer.headers.get("sec-websocket-protocol")).toBe("fairlead.v1");
    expect(JSON.parse(String((await client.next()).payload))).toMatchObject({
      t: "err",
      code: "unauthorized",
    });
    expect((await client.ending()).code).toBe(3000);
  });

  test("is told like a program that offers fairlead.v1, which sees no status either", async () => {
    const { host, refused } = serve({}, { speaksV1: true });
    using client = await dial(host);
    client.write(head({ path: "/x/a", headers: { [PROTOCOLS]: "fairlead.v1, fairlead.token.eA" } }));
    expect((await client.answer()).status).toBe(101);
    expect(JSON.parse(String((await client.next()).payload))).toMatchObject({
      t: "err",
      code: "unauthorized",
    });
    expect((await client.ending()).code).toBe(3000);
    expect(refused).toEqual(["unauthorized"]);
  });

  test("is closed with 3003 where the route finds its right missing", async () => {
    const admit: Route["admit"] = ({ may }) =>
      may("connect", "closed") ? { admitted: {} } : { refusal: refusal("forbidden") };
    const { host, refused } = serve({ admit }, { verdict: () => ({ identity: alice }) });
    using client = await dial(host);
    client.write(head(origin()));
    await client.answer();
    expect((await client.ending()).code).toBe(3003);
    expect(refused).toEqual(["forbidden"]);
  });

  test("gets the status of a refusal that has no close code", async () => {
    const { host } = serve({}, { verdict: () => ({ denied: "no keys", unavailable: true }) });
    expect((await ask(host, origin())).status).toBe(503);
  });

  test("sends what it likes behind such a handshake, and nobody hears it", async () => {
    const heard: unknown[] = [];
    const { host, capacity } = serve({ message: (_, data) => void heard.push(data) });
    using client = await dial(host);
    client.write(Buffer.concat([Buffer.from(head(origin())), Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x41])]));
    await client.answer();
    expect((await client.ending()).code).toBe(3000);
    await eventually("the place is given back", () => capacity.used === 0);
    expect(heard).toEqual([]);
  });
});

describe("one whose token counts", () => {
  test("is who it is for the route, when it asks and when it is open, also if that took time", async () => {
    const users: (string | null)[] = [];
    const { host } = serve(
      {
        admit({ user }) {
          users.push(user);
          return { admitted: {} };
        },
        open: ({ user }) => void users.push(user),
      },
      { verdict: async () => ({ identity: alice }) },
    );
    using _client = await connect(`ws://${host}/x/a`);
    expect(users).toEqual(["alice", "alice"]);
  });

  test("is refused all the same if it was revoked while the route dialled, and what was taken is given back", async () => {
    let isRevoked = false;
    let released = 0;
    const release = () => {
      released += 1;
    };
    const { host, capacity } = serve(
      {
        async admit() {
          isRevoked = true;
          return { admitted: { release } };
        },
      },
      { verdict: () => ({ identity: alice }), isRevoked: () => isRevoked },
    );
    expect((await ask(host, { path: "/x/a" })).status).toBe(401);
    expect([released, capacity.used]).toEqual([1, 0]);
  });
});

test("one whose token is being checked holds a place, and gives it back whatever comes of it", async () => {
  const checks = [
    Promise.withResolvers<Verdict>(),
    Promise.withResolvers<Verdict>(),
    Promise.withResolvers<Verdict>(),
  ];
  let asked = 0;
  const { host, capacity } = serve({}, { verdict: () => checks[asked++]?.promise });
  const clients = await Promise.all(checks.map(() => dial(host)));
  for (const client of clients) client.write(head({ path: "/x/a" }));
  await eventually("all are asked about", () => asked === 3);
  expect(capacity.used).toBe(3);
  checks[0]?.resolve(denied);
  checks[1]?.reject(new Error("the checker broke"));
  checks[2]?.resolve({ identity: alice });
  const statuses = await Promise.all(clients.map(async (client) => (await client.answer()).status));
  expect(statuses.sort()).toEqual([101, 401, 500]);
  expect(capacity.used).toBe(1);
  for (const client of clients) client.reset();
});

test("one who went away while its token was checked leaves nothing behind", async () => {
  const asked = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<Verdict>();
  const { host, capacity, listener } = serve(
    {},
    {
      verdict() {
        asked.resolve();
        return answered.promise;
      },
    },
  );
  const client = await dial(host);
  client.write(head({ path: "/x/a" }));
  await asked.promise;
  client[Symbol.dispose]();
  answered.resolve({ identity: alice });
  await eventually("nothing is left", () => capacity.used === 0 && listener.connections.size === 0);
});
