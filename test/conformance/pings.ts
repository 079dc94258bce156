/** Group 2, RFC 6455 sections 5.5.2 and 5.5.3: each ping gets its pong with the same bytes, a pong that nobody asked for gets nothing. */
import { frame, OPCODE } from "../raw-client.ts";
import { fails, type Group, ping, pong, survives, text } from "./case.ts";

const bytes = Buffer.of(0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff);
const largest = Buffer.alloc(125, 0xfe);
const unasked = (payload = "") => frame(payload, { opcode: OPCODE.pong });
const ten = Array.from({ length: 10 }, (_, n) => `ping ${n}`);

export const pings: Group = {
  id: "2",
  title: "pings and pongs",
  cases: [
    survives({ id: "2.1", title: "a ping without a payload" }, [ping()], [pong()]),
    survives({ id: "2.2", title: "a ping with text" }, [ping("hello")], [pong("hello")]),
    survives({ id: "2.3", title: "a ping with bytes that are no UTF-8" }, [ping(bytes)], [pong(bytes)]),
    survives(
      { id: "2.4", title: "a ping of 125 bytes, the most there may be" },
      [ping(largest)],
      [pong(largest)],
    ),
    fails({ id: "2.5", title: "a ping of 126 bytes" }, [ping(Buffer.alloc(126, 0xfe))], [1002]),
    survives({ id: "2.6", title: "a ping of 125 bytes, byte by byte" }, [ping(largest)], [pong(largest)], 1),
    survives({ id: "2.7", title: "a pong without a payload that nobody asked for" }, [unasked()], []),
    survives({ id: "2.8", title: "a pong with text that nobody asked for" }, [unasked("unasked")], []),
    survives(
      { id: "2.9", title: "a pong that nobody asked for, then a ping" },
      [unasked("unasked"), ping("asked")],
      [pong("asked")],
    ),
    survives({ id: "2.10", title: "ten pings" }, ten.map(ping), ten.map(pong)),
    survives({ id: "2.11", title: "ten pings, byte by byte" }, ten.map(ping), ten.map(pong), 1),
    survives(
      { id: "2.12", title: "a ping between two messages" },
      [frame("one"), ping("two"), frame("three")],
      [text("one"), pong("two"), text("three")],
    ),
  ],
};
