import { describe, expect, onTestFinished, test } from "bun:test";
import { createServer } from "node:net";
import { endsInOrder, serve, talk } from "./fairlead.ts";

describe("one-liners", () => {
  test("echo answers on any path", async () => {
    const { program, host } = await serve(["echo", ":0"]);
    const client = talk(`ws://${host}/any/path`);
    expect(await client.next()).toBe("Welcome to the Echo Server!");
    client.say("hello");
    expect(await client.next()).toBe("hello");
    client.close();
    await endsInOrder(program);
  });

  test("room is at /ws", async () => {
    const { program, host } = await serve(["room", "0", "--no-echo"]);
    const [one, two] = [talk(`ws://${host}/ws`), talk(`ws://${host}/ws`)];
    await program.says(/(connected[\s\S]*){2}/);
    one.say("to the other");
    expect(await two.next()).toBe("to the other");
    expect((await fetch(`http://${host}/room`)).status).toBe(404);
    one.close();
    two.close();
    await endsInOrder(program);
  });

  test("feed publishes stocks", async () => {
    const { program, host } = await serve(["feed", ":0", "--interval", "10ms", "--no-welcome"]);
    const client = talk(`ws://${host}/`);
    expect(Object.keys(JSON.parse(await client.next()))).toEqual(["symbol", "price", "source", "timestamp"]);
    client.close();
    await endsInOrder(program);
  });

  test("relay speaks the language it is told", async () => {
    const { program, host } = await serve(["relay", "127.0.0.1:0", "--language", "en"]);
    const client = talk(`ws://${host}/`);
    client.say('{"group_id":"1","sender_type":"center","receiver_type":"local","content":"hi"}');
    expect(JSON.parse(await client.next()).content).toMatch(/^[ -~]+$/);
    client.close();
    await endsInOrder(program);
  });

  test("bridge joins listen address and target", async () => {
    const upstream = createServer((socket) => socket.pipe(socket));
    await new Promise<void>((done) => upstream.listen(0, "127.0.0.1", done));
    onTestFinished(() => void upstream.close());
    const address = upstream.address();
    const port = typeof address === "object" ? address?.port : 0;
    const { program, host } = await serve(["bridge", ":0", `127.0.0.1:${port}`, "--text"]);
    for (const path of ["/", "/ws", "/ws/", "/websockify"]) {
      const client = talk(`ws://${host}${path}`);
      client.say(path);
      expect(await client.until(/\/.*/)).toBe(path);
      client.close();
    }
    await endsInOrder(program);
  });
});
