/** Two different things never share a key (CVE-2026-39972, CVE-2026-49998): every key that is made by joining texts, for any texts that may stand in it. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createDialer } from "../../src/bridge/dial.ts";
import { createSourceMap } from "../../src/config/source-map.ts";
import { isFault, parseTarget, type Target } from "../../src/config/target.ts";
import { createCapacity } from "../../src/limits.ts";
import { createRouteCounters } from "../../src/metrics.ts";
import { claimName } from "../../src/relay/role-claims.ts";
import { idemKey } from "../../src/topics/idem.ts";
import { Live } from "../../src/topics/live.ts";
import { createPlace, type Format } from "../../src/topics/place.ts";
import { isGroup, type Role } from "../../src/wire/envelope.ts";
import { topicProblem } from "../../src/wire/topic.ts";
import { testClock } from "../clock.ts";
import { bareConnection } from "../fake-connection.ts";

/** Short, and of few characters: what could be mistaken for something else comes up again and again. */
const text = fc.string({
  unit: fc.constantFrom("a", "b", ".", "1", "-", "\0", " ", "v", "/", ":"),
  maxLength: 6,
});
const topic = text.filter((name) => topicProblem(name) === undefined);
const group = text.filter(isGroup);
const route = text.map((name) => `/${name.replaceAll("\0", "")}`);
const role = fc.constantFrom<Role>("center", "local");

/** That two of them have the same key only if they are the same. */
function neverShare<T>(things: fc.Arbitrary<T>, keyOf: (thing: T) => string): void {
  fc.assert(
    fc.property(things, things, (one, other) => {
      expect(keyOf(one) === keyOf(other)).toBe(JSON.stringify(one) === JSON.stringify(other));
    }),
    { numRuns: 5_000 },
  );
}

/** The channels that a reader of a topic joins. */
function channelOf(of: string, name: string, format: Format): string {
  const live = new Live(name, {
    route: of,
    publisher: { publish() {} },
    counters: createRouteCounters(of, "feed"),
  });
  let joined = "";
  const connection = bareConnection("c", {
    subscribe(channel) {
      joined = channel;
    },
  });
  live.add(createPlace({ id: "c", connection, format, send() {}, buffered: () => 0, close() {} }));
  return joined;
}

describe("two different things never share", () => {
  test("the name of a publish: topic, user and idem", () => {
    const user = fc.option(text, { nil: undefined });
    neverShare(fc.tuple(topic, user, text), ([name, by, idem]) => idemKey(name, by, idem));
  });

  test("the claim of a role: route, group and role", () => {
    neverShare(fc.tuple(route, group, role), ([path, name, of]) =>
      claimName(path, { group: name, role: of }),
    );
  });

  test("a native channel: route, topic and what its readers speak", () => {
    const format = fc.constantFrom<Format>("plain", "v1");
    neverShare(fc.tuple(route, topic, format), ([path, name, of]) => channelOf(path, name, of));
  });

  test("a line of a config file: keys of any names, at any depth", () => {
    const path = fc.array(fc.oneof(text, fc.nat(3)), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(path, path, (one, other) => {
        const lines = createSourceMap();
        lines.set(one, 1);
        expect(lines.has(other)).toBe(Bun.deepEquals(one, other));
      }),
      { numRuns: 5_000 },
    );
  });
});

describe("the dials that are under way to one service are not counted for another:", () => {
  const names = ["unix:5", "unix:/5", "unix:a 5", "exec:5", "exec:80", "exec:a 5", "exec:unix 80", "a:5"];
  const targets = [...names, "tls://unix:5", "tls://exec:80", "tls://exec:5", "tls://a:5", "tcp:5"].map(
    targetOf,
  );

  test.each(targets.map((target) => [target.label, target] as const))("%s", async (_, one) => {
    for (const other of targets) expect(await isBusyBeside(one, other)).toBe(isSamePlace(one, other));
  });
});

function targetOf(written: string): Target {
  const target = parseTarget(written);
  if (isFault(target)) throw new Error(`${written}: ${target.text}`);
  return target;
}

/** TLS or not, it is one service. */
function isSamePlace(one: Target, other: Target): boolean {
  if (!("hostname" in one && "hostname" in other)) return one === other;
  return one.hostname === other.hostname && one.port === other.port;
}

async function isBusyBeside(first: Target, second: Target): Promise<boolean> {
  const clock = testClock();
  const capacity = createCapacity(0);
  const dialer = createDialer({
    timeout: 1_000,
    maxPending: 1,
    capacity,
    clock,
    connect: () => new Promise(() => {}),
    onBug: () => {},
  });
  const request = {
    user: null,
    remoteAddress: "",
    remotePort: 0,
    local: { address: "", port: 0 },
    signal: new AbortController().signal,
  };
  const [, later] = [dialer.dial(first, request), dialer.dial(second, request)];
  clock.advance(1_000);
  const dialed = await later;
  return "failure" in dialed && dialed.failure === "busy";
}
