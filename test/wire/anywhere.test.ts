/** src/wire runs in browsers too: with the language, TextEncoder and TextDecoder, and nothing else. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { createContext, runInContext } from "node:vm";
import { folder } from "../folder.ts";

const wire = join(import.meta.dir, "../../src/wire");

test("every file of src/wire loads and works where there is no Buffer, no process, no clock and no import", async () => {
  const files = [...new Bun.Glob("*.ts").scanSync(wire)].sort();
  const imports = files.map((file, n) => `import * as m${n} from ${JSON.stringify(join(wire, file))};`);
  const all = `globalThis.wire = Object.assign({}, ${files.map((_, n) => `m${n}`).join(", ")});`;
  const entry = join(folder({ "entry.ts": [...imports, all].join("\n") }), "entry.ts");
  const built = await Bun.build({ entrypoints: [entry], target: "browser", format: "iife" });
  const code = (await built.outputs[0]?.text()) ?? "";
  expect(code).not.toMatch(/\b(?:Buffer|process|Bun|require|Date|performance|setTimeout|setInterval)[.(]/);

  const context = createContext({ TextEncoder, TextDecoder });
  runInContext(code, context);
  const run = (expression: string) => runInContext(`JSON.stringify(${expression})`, context);
  expect(run('wire.decodeCommand(`{"t":"ping","id":1}`)')).toBe('{"command":{"t":"ping","id":1}}');
  expect(run('wire.splitFrame(wire.joinFrame("{}", new Uint8Array([7])))')).toBe(
    '{"header":"{}","payload":{"0":7}}',
  );
  expect(run('wire.matcher("a.*")("a.b")')).toBe("true");
});
