import { describe, expect, test } from "bun:test";
import { renderMetrics } from "../../src/metrics/counts.ts";
import { PROCESS_METRICS } from "../../src/metrics/process.ts";
import { ROUTE_METRICS } from "../../src/metrics/route.ts";
import { createRouteCounters, DROP_REASONS } from "../../src/metrics.ts";
import { eventually } from "../calm.ts";
import { parseExposition } from "../exposition.ts";
import { startGateway } from "../gateway.ts";
import { ask, closePayload, frame, OPCODE, upgrade } from "../raw-client.ts";

const STATS = {
  version: "1.2.3",
  rejected: new Map([["bad_key", 4]]),
  denied: { signature: 5 },
  descriptorsUsed: 3,
  descriptorsMax: 100,
  memory: { max: 7_000, shed: 8 },
  engineUp: true,
  traffic: { holes: 2, lost: 3, lag: 4 },
  insecure: ["origins"],
  certificate: { notAfter: 1, swapped: 2, kept: 3 },
  lag: 2_500,
  nodes: 3,
  logDropped: 3,
  routes: new Map([
    ["/r", { queued: 6, resumable: 3, parked: 2 }],
    ["/s", {}],
  ]),
};

/** Every series of these counters as `name{label=value}`, with its value. */
function series(text: string): Map<string, number> {
  const samples = parseExposition(text).flatMap((family) => family.samples);
  return new Map(
    samples.map(({ name, labels, value }) => {
      const pairs = Object.entries(labels).map(([label, of]) => `${label}=${of}`);
      return [`${name}{${pairs.join(",")}}`, value];
    }),
  );
}

describe("renderMetrics", () => {
  test("writes every metric of both tables as a family of its own", () => {
    const families = parseExposition(renderMetrics([createRouteCounters("/r", "echo")], STATS));
    const expected = [...ROUTE_METRICS, ...PROCESS_METRICS].map(({ name, type, help }) => [name, type, help]);
    expect(families.map(({ name, type, help }) => [name, type, help])).toEqual(expected);
    for (const { name, type } of families) expect(name.endsWith("_total")).toBe(type === "counter");
  });

  test("writes every counter of a route under its name", () => {
    const counters = createRouteCounters("/r", "room");
    Object.assign(counters, {
      connections: 1,
      opened: 2,
      received: 3,
      receivedBytes: 4,
      sent: 5,
      sentBytes: 6,
      due: 7,
      delivered: 8,
      unflushedBytes: 9,
      errors: 10,
    });
    counters.closed.set(1000, 11).set(1006, 12);
    for (const [index, reason] of DROP_REASONS.entries()) counters.dropped[reason] = 100 + index;
    const found = series(renderMetrics([counters], STATS));
    const expected: [string, number][] = [
      ["fairlead_connections{route=/r}", 1],
      ["fairlead_connections_opened_total{route=/r}", 2],
      ["fairlead_messages_received_total{route=/r}", 3],
      ["fairlead_message_bytes_total{route=/r,direction=in}", 4],
      ["fairlead_messages_sent_total{route=/r}", 5],
      ["fairlead_message_bytes_total{route=/r,direction=out}", 6],
      ["fairlead_messages_due_total{route=/r}", 7],
      ["fairlead_messages_delivered_total{route=/r}", 8],
      ["fairlead_unflushed_bytes_total{route=/r}", 9],
      ["fairlead_route_errors_total{route=/r}", 10],
      ["fairlead_connections_closed_total{route=/r,code=1000}", 11],
      ["fairlead_connections_closed_total{route=/r,code=1006}", 12],
      ["fairlead_messages_queued{route=/r}", 6],
      ["fairlead_bridge_streams{route=/r}", 3],
      ["fairlead_bridge_streams_parked{route=/r}", 2],
      ["fairlead_handshakes_rejected_total{reason=bad_key}", 4],
      ["fairlead_descriptors_used{}", 3],
      ["fairlead_descriptors_max{}", 100],
      ["fairlead_engine_up{}", 1],
      ["fairlead_auth_denied_total{reason=signature}", 5],
      ["fairlead_insecure{switch=origins}", 1],
      ["fairlead_tls_not_after_seconds{}", 1],
      ["fairlead_event_loop_lag_seconds{}", 2.5],
      ["fairlead_nodes{}", 3],
      ["fairlead_log_lines_dropped_total{}", 3],
      ["fairlead_tls_changes_total{result=swapped}", 2],
      ["fairlead_tls_changes_total{result=kept}", 3],
      [`fairlead_build_info{version=1.2.3,bun=${Bun.version}}`, 1],
    ];
    for (const [name, value] of expected) expect([name, found.get(name)]).toEqual([name, value]);
    for (const [index, reason] of DROP_REASONS.entries()) {
      expect(found.get(`fairlead_messages_dropped_total{route=/r,reason=${reason}}`)).toBe(100 + index);
    }
  });

  test("measures memory and CPU of this process", () => {
    const found = series(renderMetrics([], STATS));
    expect(found.get("fairlead_resident_memory_bytes{}")).toBeGreaterThan(1024 ** 2);
    expect(found.get("fairlead_cpu_seconds_total{}")).toBeGreaterThan(0);
  });

  test.each(['/a"b', "/a\\b", "/a\nb", '/\\"\n', "/a,b}", "/\u2603"])("escapes a route named %j", (route) => {
    const families = parseExposition(renderMetrics([createRouteCounters(route, "echo")], STATS));
    expect(families[0]?.samples).toEqual([{ name: "fairlead_connections", labels: { route }, value: 0 }]);
  });
});

describe("/metrics", () => {
  test("grows no series from 1,000 names, 1,000 unknown paths, or whatever code a client closes with", async () => {
    await using gateway = await startGateway({ "/p/:name": { kind: "echo", welcome: false } });
    const read = async () => (await fetch(gateway.http("/metrics"))).text();
    async function visit(n: number): Promise<void> {
      using client = await upgrade(gateway.host, {
        path: `/p/name-${n}?q=${n}`,
        headers: { "X-Name": `${n}` },
      });
      client.write(frame(closePayload(3100 + (n % 900), `reason-${n}`), { opcode: OPCODE.close }));
      await client.ending();
      expect((await ask(gateway.host, { path: `/path-${n}` })).status).toBe(404);
    }
    await visit(0);
    const before = [...series(await read()).keys()];
    for (let n = 1; n < 1_000; n += 1) await visit(n);
    await eventually(
      "all closed",
      async () => (await gateway.metric('fairlead_connections{route="/p/:name"}')) === 0,
    );
    const after = series(await read());
    expect([...after.keys()]).toEqual(before);
    expect(after.get("fairlead_connections_opened_total{route=/p/:name}")).toBe(1_000);
    expect(after.get("fairlead_handshakes_rejected_total{reason=not_found}")).toBe(1_000);
  });

  test("counts what went through, in messages and bytes", async () => {
    await using gateway = await startGateway({ "/p/:name": { kind: "echo", welcome: "hi" } });
    using client = await upgrade(gateway.host, { path: "/p/x" });
    client.write(frame("\u2603"));
    await client.next();
    await client.next();
    const found = series(await (await fetch(gateway.http("/metrics"))).text());
    expect(found.get("fairlead_messages_received_total{route=/p/:name}")).toBe(1);
    expect(found.get("fairlead_messages_sent_total{route=/p/:name}")).toBe(2);
    expect(found.get("fairlead_message_bytes_total{route=/p/:name,direction=in}")).toBe(3);
    expect(found.get("fairlead_message_bytes_total{route=/p/:name,direction=out}")).toBe(5);
    expect(found.get("fairlead_connections{route=/p/:name}")).toBe(1);
  });
});
