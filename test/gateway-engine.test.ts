/** The engine that a config names, as a whole gateway has it. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { createGateway } from "../src/gateway.ts";
import { folder } from "./folder.ts";
import { startGateway } from "./gateway.ts";

const routes = { "/feed": { kind: "feed", publish: true } } as const;

async function publish(url: string, body: string): Promise<{ epoch: string; offset: number }> {
  const response = await fetch(url, { method: "POST", body, headers: { "Content-Type": "text/plain" } });
  return response.json() as Promise<{ epoch: string; offset: number }>;
}

test("goes on with its topics after a restart, when the engine has a file", async () => {
  const engine = { sqlite: join(folder(), "data", "fairlead.db") };
  const heads = [];
  for (const body of ["first", "second"]) {
    await using house = await startGateway(routes, { engine });
    heads.push(await publish(house.http("/feed"), body));
    expect((await fetch(house.http("/readyz"))).status).toBe(200);
  }
  expect(heads.map(({ offset }) => offset)).toEqual([1, 2]);
  expect(heads[1]?.epoch).toBe(heads[0]?.epoch ?? "");
  await using house = await startGateway(routes, { engine });
  const page = await fetch(house.http("/feed"), { headers: { Accept: "application/json" } });
  expect(await page.json()).toMatchObject({ offset: 2, messages: [{ data: "first" }, { data: "second" }] });
});

test("does not start on a file that another gateway has open, and leaves that one alone", async () => {
  const engine = { sqlite: join(folder(), "fairlead.db") };
  await using house = await startGateway(routes, { engine });
  const second = createGateway({ listen: { port: 0 }, log: { level: "silent" }, engine, routes });
  await expect(second.start()).rejects.toMatchObject({
    code: "ENGINE_DOWN",
    message: expect.stringMatching(/fairlead\.db.*another process has it open; stop that one/),
  });
  expect((await publish(house.http("/feed"), "still here")).offset).toBe(1);
});

test("opens no file before it starts", () => {
  const engine = { sqlite: "/proc/nowhere/fairlead.db" };
  expect(createGateway({ engine, routes }).address.port).toBe(8080);
});

test("does not start on a path where nothing can be written, and says what to check", async () => {
  const engine = { sqlite: "/proc/nowhere/fairlead.db" };
  const gateway = createGateway({ listen: { port: 0 }, log: { level: "silent" }, engine, routes });
  await expect(gateway.start()).rejects.toMatchObject({
    code: "ENGINE_DOWN",
    message: expect.stringContaining("check the path"),
  });
});
