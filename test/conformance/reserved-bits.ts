/** Group 3, RFC 6455 section 5.2: a reserved bit that no extension gave a meaning fails the connection. */
import { type FrameOptions, frame, OPCODE } from "../raw-client.ts";
import { fails, type Group, ping, text } from "./case.ts";

const BITS = ["none", "RSV3", "RSV2", "RSV2 and RSV3", "RSV1", "RSV1 and RSV3", "RSV1 and RSV2", "all three"];

/** A text before, so that it is seen to come back, and a ping after, whose pong must not. */
function spoilt(id: string, rsv: number, what: string, options: FrameOptions, chop?: number) {
  const title = `${BITS[rsv]} on ${what}`;
  const parts = [frame("before"), frame("spoilt", { ...options, rsv }), ping("after")];
  return fails({ id, title }, parts, [1002], [text("before")], chop);
}

export const reservedBits: Group = {
  id: "3",
  title: "reserved bits",
  cases: [
    fails({ id: "3.1", title: "RSV3 on the first frame" }, [frame("x", { rsv: 1 })], [1002]),
    spoilt("3.2", 2, "a text", {}),
    spoilt("3.3", 3, "a text, frame by frame", {}, 40),
    spoilt("3.4", 4, "a text, byte by byte, without compression", {}, 1),
    spoilt("3.5", 5, "binary", { opcode: OPCODE.binary }),
    spoilt("3.6", 6, "a ping", { opcode: OPCODE.ping }),
    spoilt("3.7", 7, "a close", { opcode: OPCODE.close }),
  ],
};
