import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createFolder } from "../../src/recording/folder.ts";
import { folder as temporary } from "../folder.ts";

const at = (second: number) => new Date(Date.UTC(2026, 10, 21, 14, 30, second));
const name = (second: number, id = "c", tag = "r_x.19ff0f") =>
  `20261121T1430${String(second).padStart(2, "0")}000Z-${tag}-${id}.fairlead.jsonl`;
const route = "/r/:x";
const there = (dir: string) => readdirSync(dir).sort();

/** Written and let go. */
async function past(dir: string, files: number, seconds: readonly number[]): Promise<void> {
  const folder = createFolder({ dir, files, route });
  for (const second of seconds) await (await folder.create(at(second), "c")).release();
}

describe("the folder of recordings", () => {
  test("is made when it is first needed, and what is in it is for its owner only", async () => {
    const tmp = temporary();
    const dir = join(tmp, "a/b");
    const file = await createFolder({ dir, files: 9, route }).create(at(1), "conn-1");
    await file.handle.appendFile("hello");
    await file.release();
    expect(file.path).toBe(join(dir, name(1, "conn-1")));
    expect(readFileSync(file.path, "utf8")).toBe("hello");
    expect([statSync(dir).mode & 0o777, statSync(file.path).mode & 0o777]).toEqual([0o700, 0o600]);
  });

  test("has names that no id can lead out of it", async () => {
    const tmp = temporary();
    const file = await createFolder({ dir: tmp, files: 9, route }).create(at(1), "../../etc/passwd\0\n");
    await file.release();
    expect(there(tmp)).toEqual([name(1, "______etc_passwd__")]);
  });

  test("never writes into what is there already, a link included", async () => {
    const tmp = temporary();
    const victim = join(tmp, "victim");
    writeFileSync(victim, "precious");
    const dir = join(tmp, "records");
    mkdirSync(dir);
    symlinkSync(victim, join(dir, name(1)));
    symlinkSync(join(tmp, "new"), join(dir, name(2)));
    writeFileSync(join(dir, name(3)), "older");
    const folder = createFolder({ dir, files: 9, route });
    for (const second of [1, 2, 3])
      expect(folder.create(at(second), "c")).rejects.toMatchObject({ code: "EEXIST" });
    await folder.create(at(4), "c").then((file) => file.release());
    expect([readFileSync(victim, "utf8"), readFileSync(join(dir, name(3)), "utf8")]).toEqual([
      "precious",
      "older",
    ]);
    expect(there(tmp)).toEqual(["records", "victim"]);
  });

  test("keeps so many files, the newest, also those of an earlier run", async () => {
    const tmp = temporary();
    await past(tmp, 0, [1, 2, 3, 4, 5]);
    expect(there(tmp)).toHaveLength(5);
    await past(tmp, 3, [6]);
    expect(there(tmp)).toEqual([name(4), name(5), name(6)]);
  });

  test("deletes nothing that is not a recording, and a link but not what it leads to", async () => {
    const tmp = temporary();
    const others = [
      "notes.txt",
      "20261121T143001000Z-c.fairlead.jsonl",
      name(1).replace("fairlead.", ""),
      `x-${name(1)}`,
      name(1).replace("r_x.", "r_xx"),
      name(1, "c", "r_x.000000"),
    ];
    for (const other of others) writeFileSync(join(tmp, other), "");
    symlinkSync(join(tmp, "notes.txt"), join(tmp, name(0)));
    await past(tmp, 1, [1, 2]);
    expect(there(tmp)).toEqual([...others, name(2)].sort());
  });

  test("never deletes what is being written; when that is all there may be, there is no room", async () => {
    const tmp = temporary();
    await past(tmp, 2, [1]);
    const folder = createFolder({ dir: tmp, files: 2, route });
    const files = await Promise.all([folder.create(at(2), "c"), folder.create(at(3), "c")]);
    expect(there(tmp)).toEqual([name(2), name(3)]);
    await expect(folder.create(at(4), "c")).rejects.toThrow("2 sessions are being recorded already");
    await files[1]?.release();
    const next = await folder.create(at(5), "c");
    expect(there(tmp)).toEqual([name(2), name(5)]);
    for (const file of [files[0], next]) await file?.release();
  });

  test("makes room for each of those that begin at one moment", async () => {
    const tmp = temporary();
    await past(tmp, 0, [1, 2]);
    const folder = createFolder({ dir: tmp, files: 3, route });
    const files = await Promise.all([folder.create(at(3), "c"), folder.create(at(4), "c")]);
    expect(there(tmp)).toEqual([name(2), name(3), name(4)]);
    for (const file of files) await file.release();
  });

  test("fails for the file at hand only if it cannot be used", async () => {
    const tmp = temporary();
    const dir = join(tmp, "file");
    writeFileSync(dir, "");
    const folder = createFolder({ dir, files: 2, route });
    await expect(folder.create(at(1), "c")).rejects.toThrow(/EEXIST|ENOTDIR/);
    await expect(folder.create(at(2), "c")).rejects.toThrow(/EEXIST|ENOTDIR/);
  });

  test("is shared by routes, each with its own files, also those that look alike", async () => {
    const tmp = temporary();
    for (const alike of ["/a/b", "/a_b", "/", "/*"])
      for (const second of [1, 2])
        await createFolder({ dir: tmp, files: 1, route: alike })
          .create(at(second), "c")
          .then((file) => file.release());
    expect(there(tmp)).toHaveLength(4);
    expect(there(tmp).join()).toMatch(/-a_b\.\w{6}-.*-a_b\.\w{6}-.*-root\.\w{6}-.*-root\.\w{6}-/);
  });
});
