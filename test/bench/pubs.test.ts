/** Commands that are changed inside their bytes must still be what a server reads. */
import { expect, test } from "bun:test";
import { pubs } from "../../bench/pubs.ts";
import { decodeCommand } from "../../src/wire/commands.ts";

/** The text of masked frames of fewer than 64 KiB. */
function texts(bytes: Uint8Array): string[] {
  const found: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const code = (bytes[at + 1] ?? 0) & 0x7f;
    const header = code < 126 ? 2 : 4;
    const length = code < 126 ? code : new DataView(bytes.buffer).getUint16(at + 2);
    const mask = bytes.subarray(at + header, at + header + 4);
    const payload = bytes.subarray(at + header + 4, at + header + 4 + length);
    found.push(new TextDecoder().decode(payload.map((byte, i) => byte ^ (mask[i & 3] ?? 0))));
    at += header + 4 + length;
  }
  return found;
}

test.each([3, 128])("every pub of every burst has an id of its own, if data is %i bytes", (size) => {
  const burst = pubs("x".repeat(size), 12);
  const commands = [...texts(burst()), ...texts(burst())].map(decodeCommand);
  expect(commands).toHaveLength(24);
  for (const [i, decoded] of commands.entries()) {
    expect(decoded).toMatchObject({
      command: { t: "pub", id: 1_000_000_000 + i, data: "x".repeat(size), json: false },
    });
  }
});
