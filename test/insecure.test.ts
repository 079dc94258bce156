import { expect, test } from "bun:test";
import { demoConfig } from "../src/config/demo.ts";
import type { ConfigInput } from "../src/config/schema.ts";
import { parseConfig } from "../src/config/validate.ts";
import { insecureSwitches } from "../src/insecure.ts";

const namesOf = (config: ConfigInput) => insecureSwitches(parseConfig(config)).map(({ name }) => name);

test("neither an empty config nor the demo is insecure", () => {
  expect(namesOf({})).toEqual([]);
  expect(namesOf(demoConfig("127.0.0.1:9000"))).toEqual([]);
});

test("routes that others reach say who may come in, or are told of", () => {
  const echo = { kind: "echo" } as const;
  const listen = { host: "0.0.0.0" };
  expect(namesOf({ listen, routes: { "/a": echo } })).toEqual(["auth"]);
  const open = { ...echo, auth: "none" } as const;
  expect(namesOf({ listen, routes: { "/a": open, "/b": echo } })).toEqual(["auth"]);
  expect(namesOf({ listen, routes: { "/a": open } })).toEqual([]);
  expect(namesOf({ listen, routes: {} })).toEqual([]);
  expect(namesOf({ listen: { unix: "/run/a.sock" }, routes: { "/a": echo } })).toEqual([]);
  expect(namesOf({ routes: { "/a": echo } })).toEqual([]);
  const auth = { jwt: { jwks: "https://id.example/keys" } };
  expect(namesOf({ listen, auth, routes: { "/a": echo } })).toEqual([]);
});

test("each switch has its name, and says what it means", () => {
  const auth = { jwt: { jwks: "https://id.example/keys" }, query: true };
  expect(namesOf({ origins: ["https://a.example", "*"], auth })).toEqual(["auth.query", "origins"]);
  expect(namesOf({ auth: { ...auth, query: false } })).toEqual([]);
  expect(namesOf({ listen: { devTls: true } })).toEqual(["listen.devTls"]);
  const tls = { cert: "cert.pem" };
  expect(namesOf({ listen: { tls, plainPort: 80, host: "0.0.0.0" } })).toEqual(["listen.plainPort"]);
  for (const host of ["127.0.0.1", "::1", "localhost"])
    expect(namesOf({ listen: { tls, plainPort: 80, host } })).toEqual([]);
  const listen = { devTls: true, plainPort: 80, host: "0.0.0.0" };
  for (const { text } of insecureSwitches(parseConfig({ listen, origins: ["*"], auth })))
    expect(text.length).toBeGreaterThan(20);
});
