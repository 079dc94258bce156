import { expect, test } from "bun:test";
import { folder } from "../../folder.ts";
import { start } from "../../system/program.ts";
import { closedTarget } from "../../tcp-service.ts";
import { endsInOrder, main, run } from "../fairlead.ts";

const tunnel = (...args: string[]) => run(["tunnel", ...args]);

test("two addresses are needed, and each must be one", () => {
  expect(tunnel(":0")).toEqual({
    code: 2,
    out: "",
    talk: "fairlead: tunnel needs two addresses; the form is fairlead tunnel LISTEN URL [options]\n",
  });
  expect(tunnel("here", "ws://127.0.0.1:1/")).toMatchObject({
    code: 2,
    talk: 'fairlead: the listen address "here" is not port, :port, host:port or [v6]:port\n',
  });
  expect(tunnel(":0", "ftp://127.0.0.1/")).toMatchObject({
    code: 2,
    talk: 'fairlead: the URL "ftp://127.0.0.1/" is not ws:// or wss://\n',
  });
  expect(tunnel("70000", "ws://127.0.0.1:1/")).toMatchObject({
    code: 2,
    talk: 'fairlead: the listen address "70000" has a port above 65535\n',
  });
});

test("its flags are checked before anything is dialled", () => {
  expect(tunnel("-", "ws://127.0.0.1:1/", "-q", "-v")).toMatchObject({
    code: 2,
    talk: "fairlead: --quiet and --verbose exclude each other\n",
  });
  expect(tunnel("-", "ws://127.0.0.1:1/", "--patience", "long").talk).toStartWith(
    "fairlead: --patience needs seconds like 2 or 0.5",
  );
});

test("stdin and stdout: a bridge that cannot be opened is exit code 1, and stdout is empty", async () => {
  const { code, out, talk } = tunnel("-", `ws://${await closedTarget()}/ssh`);
  expect([code, out]).toEqual([1, ""]);
  expect(talk).toStartWith("fairlead tunnel: no bridge: ");
});

test("a port that is taken is exit code 1", async () => {
  using taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } }) as {
    port: number;
  } & Disposable;
  expect(tunnel(`:${taken.port}`, "ws://127.0.0.1:1/")).toEqual({
    code: 1,
    out: "",
    talk: `fairlead: 127.0.0.1:${taken.port} is in use by another program; choose another LISTEN address\n`,
  });
});

test("a port says where it leads, without the query, and ends in order", async () => {
  const program = start([process.execPath, main, "tunnel", ":0", "ws://127.0.0.1:1/ssh?token=secret"], {
    cwd: folder(),
  });
  await program.says(/^fairlead tunnel: 127\.0\.0\.1:\d+ leads to ws:\/\/127\.0\.0\.1:1\/ssh\n/);
  await endsInOrder(program);
  expect(program.output()).toEndWith("fairlead tunnel: stopping; once more to end at once\n");
  expect(program.output()).not.toContain("secret");
});
