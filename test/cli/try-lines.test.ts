import { expect, test } from "bun:test";
import { align, tryLines } from "../../src/cli/try-lines.ts";
import { demoConfig } from "../../src/config/demo.ts";
import { parseConfig } from "../../src/config/validate.ts";

test("gives each route of the demo its address and a command to try it", () => {
  const lines = tryLines(parseConfig(demoConfig("127.0.0.1:9")), { host: "127.0.0.1", port: 8080 });
  expect(lines).toEqual([
    "Fairlead listens on http://127.0.0.1:8080",
    "",
    "echo    ws://127.0.0.1:8080/echo         npx fairlead connect ws://127.0.0.1:8080/echo",
    "room    ws://127.0.0.1:8080/room/:name   npx fairlead connect ws://127.0.0.1:8080/room/lobby",
    "feed    ws://127.0.0.1:8080/feed/:topic  curl -N -H 'Accept: text/event-stream' http://127.0.0.1:8080/feed/stocks",
    expect.stringMatching(
      /^relay {3}ws:\/\/127\.0\.0\.1:8080\/relay {8}echo '\{"group_id".* \| npx fairlead connect ws:\/\/127\.0\.0\.1:8080\/relay$/,
    ),
    "bridge  ws://127.0.0.1:8080/bridge       npx fairlead connect -b ws://127.0.0.1:8080/bridge",
  ]);
});

test("tries a route of any path at its root, and an address of all interfaces at the loopback one", () => {
  const config = parseConfig({ routes: { "/*": { kind: "echo" }, "/f/:topic": { kind: "feed" } } });
  const lines = tryLines(config, { host: "::", port: 1 });
  expect(lines[2]).toEndWith("npx fairlead connect ws://[::1]:1/");
  expect(lines[3]).toEndWith("http://[::1]:1/f/news");
});

const HERE = { host: "127.0.0.1", port: 1 };
const TRIED = {
  "/vnc/:host": [{ kind: "bridge", targets: { "lab 1": "127.0.0.1:9" } }, "-b ws://127.0.0.1:1/vnc/lab%201"],
  "/t/:token": [{ kind: "bridge", tokens: "tokens" }, "-b ws://127.0.0.1:1/t/TOKEN"],
  "/t": [{ kind: "bridge", tokens: "tokens" }, "-b 'ws://127.0.0.1:1/t?token=TOKEN'"],
  "/a": [{ kind: "bridge", allow: ["10.0.0.7:22"] }, "-b 'ws://127.0.0.1:1/a?host=HOST&port=PORT'"],
  "/l": [{ kind: "bridge", target: "127.0.0.1:9", framing: "lines" }, "ws://127.0.0.1:1/l"],
  "/p": [{ kind: "relay", mode: "pipe" }, "'ws://127.0.0.1:1/p?group=lab&role=center'"],
} as const;

for (const [path, [route, tried]] of Object.entries(TRIED)) {
  test(`tries ${path} with what its route asks for, if that is more than a path`, () => {
    const lines = tryLines(parseConfig({ routes: { [path]: route } }), HERE);
    expect(lines[2]).toEndWith(`  npx fairlead connect ${tried}`);
  });
}

test("tries a route that asks who comes with a token in a file, and no other", () => {
  const auth = { jwt: { secret: "s".repeat(32) } };
  const routes = {
    "/echo": { kind: "echo" },
    "/feed/:topic": { kind: "feed" },
    "/open": { kind: "echo", auth: "optional" },
  };
  const [, , echo, feed, open] = tryLines(parseConfig({ auth, routes }), HERE);
  expect(echo).toEndWith("  npx fairlead connect --token-file TOKEN_FILE ws://127.0.0.1:1/echo");
  expect(feed).toContain(`curl -H "Authorization: Bearer $(cat TOKEN_FILE)" -N `);
  expect(open).toEndWith("  npx fairlead connect ws://127.0.0.1:1/open");
});

test("says only where it listens when there are no routes", () => {
  expect(tryLines(parseConfig({}), { host: "127.0.0.1", port: 1 })).toEqual([
    "Fairlead listens on http://127.0.0.1:1",
  ]);
});

test("aligns columns and leaves nothing at the ends of lines", () => {
  expect(
    align([
      ["a", "bb", "c"],
      ["aaa", "b"],
    ]),
  ).toEqual(["a    bb  c", "aaa  b"]);
});
