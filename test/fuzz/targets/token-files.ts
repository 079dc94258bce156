/** Token files of bridges: lines that are wrong are passed over and told by number, and the others count. */
import { atOnce, parseTokens } from "../../../src/bridge/targets/tokens.ts";
import { mutateBytes, ODD_TEXTS } from "../mutate.ts";
import type { Target } from "../target.ts";

const LINES = [
  "# a comment",
  "",
  "desk1: 127.0.0.1:5901",
  "desk2:    vnc.example:5902",
  "six: [::1]:5903",
  "local: unix_socket:/run/vnc.sock",
  "other: unix:/run/vnc.sock",
  "secure: tls://db.example:5432",
  "constructor: 127.0.0.1:1",
];
const WORDS = [
  ...ODD_TEXTS,
  "\n",
  ": ",
  "exec:/bin/sh",
  "unix_socket:",
  "tls://",
  "[",
  "]:",
  ":99999",
  "\ufeff",
  "\r\n",
];

export const tokenFiles: Target = {
  name: "token-files",
  isOnTheWire: false,
  make(chance) {
    let file = Buffer.from(chance.some(1, 8, () => chance.pick(LINES)).join("\n"));
    for (let left = chance.below(4); left > 0; left -= 1) file = mutateBytes(chance, file, WORDS);
    return [file];
  },
  run(input) {
    const file = Buffer.concat(input).toString();
    const lines = file.split("\n").length;
    const { targets, bad } = atOnce(parseTokens(file));
    if (targets.size + bad.length > lines) throw new Error(`${targets.size} targets of ${lines} lines`);
    if (bad.some((line) => line < 1 || line > lines)) throw new Error(`lines ${bad} of ${lines}`);
    for (const { kind } of targets.values())
      if (kind === "exec") throw new Error("a token leads to a program");
    return targets.size > 0;
  },
};
