/** Streams of one bridge on several nodes: who comes back to the wrong one. Two houses here are two nodes. */
import { describe, expect, test } from "bun:test";
import { SSH_FORM } from "../../../src/bridge/resume/stream-form.ts";
import { fakeNodes } from "../../fake-cluster.ts";
import { type HouseOptions, streamHouse } from "./stream-house.ts";

const URL_OF_A = "wss://node-a.example.com:8443";

/** A stream at node A, and node B. */
function twoNodes(advertise: string = URL_OF_A, atB: HouseOptions = {}, lacking?: string) {
  const nodes = fakeNodes();
  const a = streamHouse({ cluster: nodes.join("node-a-0", advertise === "none" ? undefined : advertise) });
  const b = streamHouse({ cluster: nodes.join("node-b-0", "ws://b"), ...atB }, () => lacking);
  const { client, sid, upstream } = a.open("alice");
  return { nodes, a, b, client, sid, upstream };
}

const ended = ({ connection }: { connection: { ended: unknown } }) => connection.ended;

describe("a client that comes back at another node", () => {
  test("is sent to the one that has its stream, which goes on there", async () => {
    const { a, b, client, sid, upstream } = twoNodes();
    client.connection.leave(1006);
    expect(ended(await b.resumeElsewhere(sid))).toMatchObject({ code: 4011, reason: URL_OF_A });
    upstream.say("hello");
    expect(a.resume(sid, 0, { user: "alice" }).hear()).toMatchObject({ reconnected: 0, bytes: "hello" });
    expect(b.counters.recoveries).toEqual({ recovered: 0, lost: 0 });
  });

  test("is sent there in the SSH form, too", async () => {
    const { b, sid } = twoNodes();
    expect(ended(await b.resumeElsewhere(sid, 0, SSH_FORM))).toMatchObject({ code: 4011, reason: URL_OF_A });
  });

  test("is not asked whose stream it is: that is for the owner to check", async () => {
    const { a, b, sid } = twoNodes();
    expect((await b.resumeElsewhere(sid)).code).toBe(4011);
    expect(a.resume(sid, 0, { user: "mallory" }).code).toBe(4510);
  });

  test("has lost its stream if the owner is gone", async () => {
    const { nodes, b, sid } = twoNodes();
    nodes.leave("node-a-0");
    const { connection } = await b.resumeElsewhere(sid);
    expect(connection.ended).toMatchObject({ code: 4510, reason: expect.stringContaining("is gone") });
    expect(b.counters.recoveries).toEqual({ recovered: 0, lost: 1 });
  });

  test("is told to try again if no client can be sent to the owner, and the log says so once", async () => {
    const { b, sid } = twoNodes("none");
    for (let n = 0; n < 3; n++) {
      const { connection } = await b.resumeElsewhere(sid);
      expect(connection.ended).toMatchObject({ code: 1013, reason: expect.stringContaining("advertise") });
    }
    expect(b.counters.recoveries.lost).toBe(0);
    expect(b.log.lines).toMatchObject([{ level: "warn", route: "/bridge", node: "name-of-node-a-0" }]);
    expect(JSON.stringify(b.log.lines)).not.toContain(sid);
  });

  test("is told to try again, and not that its stream is lost, while nobody can be asked", async () => {
    const { nodes, b, sid } = twoNodes();
    nodes.isDown = true;
    expect((await b.resumeElsewhere(sid)).code).toBe(1013);
    expect(b.counters.recoveries.lost).toBe(0);
    nodes.isDown = false;
    expect((await b.resumeElsewhere(sid)).code).toBe(4011);
  });

  test("learns nothing of where it is without the right to the target", async () => {
    const { nodes, b, sid } = twoNodes(URL_OF_A, { named: "lab" }, "no right");
    const { connection } = await b.resumeElsewhere(sid);
    expect(connection.ended).toMatchObject({ code: 3003, reason: "no right" });
    expect(nodes.asked).toEqual([]);
  });
});

describe("nobody is sent in circles: a node", () => {
  test("asks nobody for a sid of its own, and says that a stream is lost which it does not know", () => {
    const { nodes, a, sid } = twoNodes();
    const forged = sid.slice(0, 8) + "A".repeat(22);
    expect(a.resume(forged, 0, { user: "alice" }).code).toBe(4510);
    expect(nodes.asked).toEqual([]);
  });

  test("asks nobody for a sid that says no node", () => {
    const { nodes, b } = twoNodes();
    expect(b.resume("A".repeat(22), 0).code).toBe(4510);
    expect(nodes.asked).toEqual([]);
  });

  test("without others asks nobody for a sid that says one", () => {
    const { sid } = twoNodes();
    expect(streamHouse().resume(sid, 0).code).toBe(4510);
  });
});
