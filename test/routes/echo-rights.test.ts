/** An echo wants the right `connect` on the name `echo`. */
import { describe, expect, test } from "bun:test";
import { createAccess, NOBODY } from "../../src/access.ts";
import { systemClock } from "../../src/clock.ts";
import { echoOptions } from "../../src/config/kinds/echo.ts";
import type { Names } from "../../src/identity.ts";
import { createEcho } from "../../src/routes/echo.ts";
import { PROTOCOL } from "../../src/wire/v1.ts";
import { admitRequest } from "../bridge/admit-request.ts";
import { bareConnection } from "../fake-connection.ts";

const echo = createEcho({ options: echoOptions.parse({ kind: "echo" }), clock: systemClock });
const mayOf = (connect?: Names) =>
  createAccess({ route: "/echo", byDefault: connect === undefined ? {} : { connect } }).of(NOBODY);

const REASON = 'no right to `connect` on "echo"; the token, or `access` of the route, must give it';

describe("echo", () => {
  test.each<[Names | undefined, boolean]>([
    [true, true],
    [["echo"], true],
    [["*"], true],
    [["ECHO", "echo.*"], false],
    [undefined, false],
  ])("with the right to connect on %j lets a client in: %p", (names, isIn) => {
    const request = { may: mayOf(names) };
    for (const protocols of [[], [PROTOCOL]]) {
      const admission = echo.admit?.(admitRequest("/echo", "/echo", { ...request, protocols }));
      expect(admission).toMatchObject(
        isIn ? { admitted: {} } : { refusal: { status: 403, code: "forbidden" } },
      );
    }
  });

  test("tells a client of fairlead.v1 whose token lacks the right, instead of the welcome", () => {
    const told: unknown[] = [];
    const connection = bareConnection("a", {
      may: mayOf(),
      send: (frame) => told.push(JSON.parse(String(frame))) > 0,
      close: (code, reason) => void told.push([code, reason]),
    });
    echo.v1?.open(connection, () => told.push("welcome"));
    expect(told).toEqual([{ t: "err", code: "forbidden", message: REASON }, [3003, REASON]]);
  });

  test("lacks the right under rights that do not give it", () => {
    const connection = bareConnection("a", {});
    expect(echo.v1?.lacks?.(connection, mayOf(["echo"]))).toBeUndefined();
    expect(echo.v1?.lacks?.(connection, mayOf([]))).toBe(REASON);
  });
});
