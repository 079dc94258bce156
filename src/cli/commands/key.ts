/** `fairlead key create [NAME]`: an API key. It is printed once and kept nowhere; the config gets its hash. */
import { createApiKey } from "../../auth/api-keys.ts";
import { showValue } from "../../config/key-path.ts";
import { didYouMean } from "../../config/nearest.ts";
import { usage } from "../arguments.ts";
import type { Command } from "../command.ts";
import { printData, printTalk } from "../output.ts";

/** Goes into YAML as it is. */
const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

export const command: Command = {
  name: "key",
  summary: "make an API key for a server",
  operands: "create [name]",
  maxOperands: 2,
  notes: [
    "The key goes to stdout, once; the lines for the config, with its hash, to stderr.",
    "Whoever has the key sends it as a token: Authorization: Bearer KEY.",
  ],
  flags: [],
  examples: [
    ["fairlead key create ci", "a key, and the lines for the config"],
    ["fairlead key create ci > ci.key", "the key in a file"],
  ],
  async run({ operands: [action = "", name = "server"] }) {
    if (action !== "create") {
      const got = action === "" ? "" : `, got ${showValue(action)}`;
      throw usage(`key needs create${got}.${didYouMean(action, ["create"])} See fairlead key --help`);
    }
    if (!NAME.test(name)) {
      throw usage(`the name ${showValue(name)} is not one of letters, digits, - and _, at most 64, like ci`);
    }
    const { key, hash } = createApiKey();
    await printData(key);
    printTalk(`\n# for the config:\nauth:\n  keys:\n    ${name}: { hash: "${hash}" }`);
    return 0;
  },
};
