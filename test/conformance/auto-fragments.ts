/** Group 10, RFC 6455 section 5.4: a client that cuts every message into fragments of a size that fits nothing else. */
import { OPCODE } from "../raw-client.ts";
import { type Group, survives, text } from "./case.ts";
import { framed } from "./limits.ts";

const payload = Buffer.from("sixteen letters.".repeat(4096));

export const autoFragments: Group = {
  id: "10",
  title: "auto-fragmentation",
  cases: [
    survives(
      { id: "10.1.1", title: "text of 64 KiB in fragments of 1,300 bytes" },
      framed(payload, OPCODE.text, 1300),
      [text(payload)],
    ),
  ],
};
