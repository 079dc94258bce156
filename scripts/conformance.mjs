// RFC 6455 and RFC 7692, case by case, against a gateway of its own; writes docs/conformance.md. With arguments: only these groups. Under a minute.
import { prepare, runStep } from "./steps.mjs";

const { root, bun } = await prepare("conformance");
const args = ["--no-orphans", "test/conformance/main.ts", ...process.argv.slice(2)];
process.exitCode = (await runStep(root, { name: "conformance", command: bun, args, seconds: 300 })) ? 0 : 1;
