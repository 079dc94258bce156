import { expect, test } from "bun:test";
import { connect } from "./gateway.ts";
import { withNodes } from "./nodes-house.ts";

test("nodes are killed, stopped, ended and come back where they were", async () => {
  const routes = { "/echo": { kind: "echo", welcome: false } } as const;
  await withNodes({ count: 2, routes }, async (nodes) => {
    const echo = async (node: number) => {
      using client = await connect(`ws://${nodes.host(node)}/echo`);
      client.send("hello");
      return await client.next();
    };
    expect(await Promise.all([echo(0), echo(1)])).toEqual(["hello", "hello"]);
    await nodes.kill9(0);
    await expect(echo(0)).rejects.toThrow();
    expect(nodes.isRunning(0)).toBe(false);
    await nodes.start(0);
    nodes.stop(1);
    const late = echo(1);
    expect(await echo(0)).toBe("hello");
    nodes.cont(1);
    expect(await late).toBe("hello");
    expect(await nodes.term(1)).toBe(0);
    expect(await nodes.metric(0, 'fairlead_connections_opened_total{route="/echo"}')).toBe(1);
    expect(nodes.output(1)).toContain("stopped");
  });
});
