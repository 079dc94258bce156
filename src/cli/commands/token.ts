/** `fairlead token create | check`: tokens from a shell. What they do stands in `../token/`. Keys never come as arguments, which others can read. */
import { systemClock } from "../../clock.ts";
import { showValue } from "../../config/key-path.ts";
import { didYouMean } from "../../config/nearest.ts";
import { usage } from "../arguments.ts";
import type { Arguments, Command } from "../command.ts";
import { clientFlag, type Flag } from "../flags.ts";
import { printData, printTalk } from "../output.ts";
import { CONFIG_FLAG } from "./serve.ts";

const group = "token";

const FLAGS: Flag[] = [
  {
    name: "secret-file",
    placeholder: "FILE",
    help: "key of HMAC to make or check with, in place of the config's",
  },
  {
    name: "key-file",
    placeholder: "FILE",
    help: "key in PEM, in place of the config's: the private one to make a token, the public one to check one",
  },
  {
    name: "issuer",
    placeholder: "NAME",
    help: "create: iss; of a config with several issuers, the one that is meant",
  },
  { name: "user", placeholder: "NAME", help: "create: who it is for" },
  { name: "expires", placeholder: "DURATION", help: "create: how long it counts (default 1h)" },
  {
    name: "cap",
    placeholder: "'ROUTE RIGHT [PATTERN ...]'",
    help: "create: what it may do, like '/feed/:topic subscribe a.*'; may be repeated (default: what the rules of each route say)",
  },
  { name: "audience", placeholder: "NAME", help: "create: aud (default: the first that the config names)" },
  { name: "id", placeholder: "TEXT", help: "create: jti, by which it can be revoked (default: random)" },
  { name: "target", placeholder: "NAME", help: "create: the one target of a bridge that it may ask for" },
  { name: "info", placeholder: "JSON", help: "create: what others see of the user in presence" },
].map((flag) => clientFlag({ ...flag, group }));

export const command: Command = {
  name: "token",
  summary: "make a token, or say what one is good for",
  operands: "create | check TOKEN",
  maxOperands: 2,
  notes: [
    "create  prints a token, made with the key of the config or of a file",
    "check   says who it is for, until when, and what it may do (exit 0), or why it does not count (exit 1); - reads it from stdin",
    "Arguments can be read by others on the machine: prefer `check -`.",
  ],
  flags: [CONFIG_FLAG, ...FLAGS],
  examples: [
    ["fairlead token create --user alice", "with the secret of ./fairlead.yaml, for an hour"],
    ["fairlead token create --user ci --cap '/feed/:topic publish build.*'", "one right, nothing else"],
    ["fairlead token check - < token.txt", "who that is"],
  ],
  async run(args) {
    const [action = "", token] = args.operands;
    if (action === "create" && token === undefined) return create(args);
    if (action === "check" && token !== undefined) return check(args, token);
    if (action === "check") throw usage("token check needs the token; write it, or - and give it on stdin");
    if (action === "create") throw usage("token create takes flags only; the user is --user NAME");
    const got = action === "" ? "" : `, got ${showValue(action)}`;
    throw usage(
      `token needs create or check${got}.${didYouMean(action, ["create", "check"])} See fairlead token --help`,
    );
  },
};

async function create(args: Arguments): Promise<number> {
  const [{ readIssuing }, { createToken }, { checkRoutes, readCaps }] = await Promise.all([
    import("../token/issuers.ts"),
    import("../token/create.ts"),
    import("../token/caps.ts"),
  ]);
  const { auth, routes } = await readIssuing(args);
  if (routes !== undefined) checkRoutes(readCaps(args.texts.get("cap") ?? []) ?? {}, routes);
  await printData(await createToken(args, auth, systemClock.wall()));
  return 0;
}

async function check(args: Arguments, operand: string): Promise<number> {
  const foreign = [...args.given.keys()].find((name) => !CHECK_FLAGS.includes(name));
  if (foreign !== undefined) throw usage(`--${foreign} is for token create`);
  const [{ readAuth }, { checkAgainst, checkedLines }] = await Promise.all([
    import("../token/issuers.ts"),
    import("../token/check.ts"),
  ]);
  const auth = await readAuth(args);
  const checked = await checkAgainst(operand === "-" ? await readStdin() : operand, auth);
  if (auth.authorize !== undefined) printTalk("fairlead: authorize of the config is not asked here");
  await printData(checkedLines(checked, systemClock.wall()).join("\n"));
  return "identity" in checked ? 0 : 1;
}

const CHECK_FLAGS = ["config", "secret-file", "key-file"];
const MAX_STDIN_BYTES = 65_536;

async function readStdin(): Promise<string> {
  let text = "";
  for await (const chunk of process.stdin) {
    text += String(chunk);
    if (text.length > MAX_STDIN_BYTES)
      throw usage(`stdin holds more than ${MAX_STDIN_BYTES} bytes, which no token has`);
  }
  return text.trim();
}
