/** The load's frames and counter: a wrong count here would make every number of the bench wrong. */
import { expect, test } from "bun:test";
import { BINARY, clientFrame, FrameCounter, repeat, TEXT } from "../../bench/frames.ts";

/** A server frame: as the client's, without a mask. */
function serverFrame(length: number, opcode: number): Uint8Array {
  const masked = clientFrame(new Uint8Array(length), opcode);
  const header = masked.slice(0, masked.length - length - 4);
  header[1] = (header[1] ?? 0) & 0x7f;
  return Buffer.concat([header, new Uint8Array(length)]);
}

function pushCut(counter: FrameCounter, bytes: Uint8Array, size: number): void {
  for (let at = 0; at < bytes.length; at += size) counter.push(bytes.subarray(at, at + size));
}

test.each([0, 1, 125, 126, 65_535, 65_536, 200_000])(
  "a real server reads a frame of %d bytes as it was meant",
  async (length) => {
    const heard = Promise.withResolvers<Uint8Array>();
    using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request, self) => void self.upgrade(request),
      websocket: { message: (_, data) => heard.resolve(Buffer.from(data)) },
    });
    const payload = crypto.getRandomValues(new Uint8Array(Math.min(length, 65_536)));
    const sent = repeat(payload, Math.max(1, Math.ceil(length / 65_536))).slice(0, length);
    const { connect } = await import("../../bench/client.ts");
    const client = await connect(Number(server.port), "/");
    client.write(clientFrame(sent, BINARY));
    expect(Buffer.from(await heard.promise).equals(sent)).toBe(true);
    client.end();
  },
);

test.each([1, 2, 3, 7, 100, 1_000_000])("counts every frame if the stream comes in pieces of %d", (size) => {
  const counter = new FrameCounter();
  const frames = [0, 5, 125, 126, 70_000, 0, 1].map((length) => serverFrame(length, TEXT));
  pushCut(counter, Buffer.concat(frames), size);
  expect([counter.frames, counter.bytes]).toEqual([7, 70_257]);
});

test("a frame counts only when it is whole, its bytes as they come", () => {
  const counter = new FrameCounter();
  const frame = serverFrame(10, BINARY);
  counter.push(frame.subarray(0, frame.length - 1));
  expect([counter.frames, counter.bytes]).toEqual([0, 9]);
  counter.push(frame.subarray(frame.length - 1));
  expect([counter.frames, counter.bytes]).toEqual([1, 10]);
});

test("pings are counted apart, other control frames not at all", () => {
  const counter = new FrameCounter();
  pushCut(counter, Buffer.concat([serverFrame(4, 9), serverFrame(0, 9), serverFrame(2, 8)]), 3);
  expect([counter.frames, counter.bytes, counter.pings]).toEqual([0, 0, 2]);
});

test("a burst is the frame as often as was asked", () => {
  expect(repeat(Uint8Array.of(1, 2), 3)).toEqual(Uint8Array.of(1, 2, 1, 2, 1, 2));
});
