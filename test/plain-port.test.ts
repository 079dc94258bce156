import { describe, expect, test } from "bun:test";
import { CERT, KEY } from "./certificate.ts";
import { connect, startGateway } from "./gateway.ts";
import { bounded } from "./raw-client.ts";
import { startTlsHouse, type TlsHouseOptions } from "./tls-house.ts";

const routes = { "/room/:name": { kind: "room", echo: false } } as const;
const start = (options: Partial<TlsHouseOptions> = {}) =>
  startTlsHouse({ routes, first: { cert: CERT, key: KEY }, listen: { plainPort: 0 }, ...options });

/** The plain port, as the log tells it. */
const plainPortOf = ({ lines }: Awaited<ReturnType<typeof start>>) =>
  Number(lines.find(({ text }) => text === "listening")?.["plainPort"]);

describe("a plain port beside TLS", () => {
  test("serves the same rooms, and leaves out only the sender", async () => {
    await using house = await start();
    const plain = `ws://127.0.0.1:${plainPortOf(house)}/room/a`;
    const members = [
      await house.connect("/room/a"),
      await house.connect("/room/a"),
      await connect(plain),
      await connect(plain),
    ];
    for (const sender of [0, 2]) {
      members[sender]?.send(`from ${sender}`);
      for (const [index, member] of members.entries())
        if (index !== sender) expect(await bounded("a message", member.next())).toBe(`from ${sender}`);
    }
    for (const member of members) {
      expect(member.waiting).toBe(0);
      member[Symbol.dispose]();
    }
  });

  test("speaks no TLS, and its pages have an origin of their own", async () => {
    await using house = await start();
    const host = `127.0.0.1:${plainPortOf(house)}`;
    await expect(fetch(`https://${host}/healthz`, { tls: { rejectUnauthorized: false } })).rejects.toThrow();
    const status = async (origin: string) =>
      (await fetch(`http://${host}/room/a`, { headers: { Origin: origin } })).status;
    expect([await status(`http://${host}`), await status(`https://${host}`)]).toEqual([426, 403]);
  });

  test("is there only if it is asked for", async () => {
    await using house = await start({ listen: {} });
    expect(plainPortOf(house)).toBeNaN();
  });

  test("that is in use frees the other port, and says which flag names it", async () => {
    await using first = await startGateway(routes);
    const { port: plainPort } = first.gateway.address;
    const told = `127.0.0.1:${plainPort} is in use by another program. Stop it, or choose another port with --plain-port.`;
    await expect(start({ listen: { plainPort } })).rejects.toThrow(told);
  });

  test("ends with the gateway", async () => {
    const house = await start();
    using client = await connect(`ws://127.0.0.1:${plainPortOf(house)}/room/a`);
    await bounded("the stop", house.stop());
    expect((await client.closed).code).toBe(1012);
    await expect(connect(`ws://127.0.0.1:${plainPortOf(house)}/room/a`)).rejects.toThrow("1006");
  });
});
