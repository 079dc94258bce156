/** Every block of README.md, docs and examples that a reader could run. What a block does to others is not seen: each is run alone. */
import { expect, test } from "bun:test";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { blocksOf, readerPages, root } from "../docs/markdown.ts";
import { folder } from "../folder.ts";
import { requires } from "../requires.ts";
import { isRunnable, isStart, programsOf, runBlock } from "./snippet.ts";

const pages = readerPages();

for (const page of pages) {
  for (const block of blocksOf(page).filter(isRunnable)) {
    const what = isStart(block) ? "starts a server" : "does what it says";
    requires(...programsOf(page, block))(
      `${page.path}:${block.line} ${what}`,
      () => runBlock(page, block),
      60_000,
    );
  }
}

test("the blocks in TypeScript have right types", () => {
  const texts = pages.flatMap((page) =>
    blocksOf(page)
      .filter(({ lang }) => lang === "ts")
      .map((block) => [`${page.path.replaceAll(/\W/g, "-")}-${block.line}.ts`, block.text]),
  );
  const paths = { fairlead: [join(root, "src/index.ts")] };
  const config = { extends: join(root, "tsconfig.json"), compilerOptions: { paths }, include: ["*.ts"] };
  const cwd = folder({ ...Object.fromEntries(texts), "tsconfig.json": JSON.stringify(config) });
  symlinkSync(join(root, "node_modules"), join(cwd, "node_modules"));
  const { stdout } = Bun.spawnSync([join(root, "node_modules/.bin/tsc"), "-p", "."], { cwd });
  expect(stdout.toString()).toBe("");
  expect(texts.length).toBeGreaterThan(3);
});
