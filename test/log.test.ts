import { expect, test } from "bun:test";
import { join } from "node:path";

const LOG = join(import.meta.dir, "../src/log.ts");

/** What a process of its own writes to stderr for one line whose reason a stranger chose. */
async function written(
  format: "json" | "pretty",
  reason: string,
  base: object | null = null,
): Promise<string> {
  const script = `
    const { createLog } = await import(${JSON.stringify(LOG)});
    createLog({ level: "info", format: ${JSON.stringify(format)} }, ${JSON.stringify(base)}).info({ reason: ${JSON.stringify(reason)} }, "goodbye");
  `;
  const child = Bun.spawn([process.execPath, "-e", script], { stderr: "pipe", env: { NO_COLOR: "1" } });
  return await new Response(child.stderr).text();
}

const STRANGE = "\u001b[31m\u007f\u009b31m\u0085\u2028\u202e\ufeff\nend";

test.each(["json", "pretty"] as const)("a line of the %s log steers no terminal", async (format) => {
  const line = await written(format, STRANGE);
  expect(line).toContain("\\u001b[31m\\u007f\\u009b31m\\u0085\\u2028\\u202e\\ufeff\\nend");
  expect(line.trimEnd()).not.toMatch(/(?! )[\p{Cc}\p{Zl}\p{Bidi_Control}\ufeff]/u);
});

test("a line of the JSON log says what was said, however it is written", async () => {
  expect(JSON.parse(await written("json", STRANGE))).toMatchObject({ msg: "goodbye", reason: STRANGE });
});

test("every line has the fields of whoever made the log", async () => {
  expect(JSON.parse(await written("json", "x", { worker: 2 }))).toMatchObject({ worker: 2, reason: "x" });
  expect(await written("pretty", "x", { worker: 2 })).toContain('"worker":2');
});
