/**
 * The files of one route's recordings. Each is new, readable by its owner only, and no link is followed to it. When a new one would be
 * one too many the oldest go; those being written stay, so no more than `files` sessions are recorded at once.
 * Names have the route in them, and no file of another name is ever deleted, so routes may share a folder; two gateways may not.
 * Failure: the system's error, or one that says that there is no room.
 */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, readdir, unlink } from "node:fs/promises";
import { join } from "node:path";

/** O_EXCL follows no link either: a name that is taken by one is taken. */
const NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;

export interface RecordingFile {
  readonly path: string;
  readonly handle: FileHandle;
  /** Nothing more is written: from now on it may be deleted. */
  release(): Promise<void>;
}

export interface Folder {
  create(started: Date, id: string): Promise<RecordingFile>;
}

export interface FolderOptions {
  /** Made when it is first needed. */
  readonly dir: string;
  /** How many there may be; 0 = any number. */
  readonly files: number;
  readonly route: string;
}

export function createFolder({ dir, files, route }: FolderOptions): Folder {
  const tag = tagOf(route);
  /** Sorted by name they are sorted by time. */
  const ours = new RegExp(`^\\d{8}T\\d{9}Z-${RegExp.escape(tag)}-[\\w-]+\\.fairlead\\.jsonl$`);
  const written = new Set<string>();
  let last: Promise<unknown> = Promise.resolve();

  async function createNext(name: string): Promise<RecordingFile> {
    if (files > 0 && written.size >= files) throw new Error(`${files} sessions are being recorded already`);
    await mkdir(dir, { recursive: true, mode: 0o700 });
    if (files > 0) await makeRoom(files - 1);
    const path = join(dir, name);
    const handle = await open(path, NEW, 0o600);
    written.add(name);
    return {
      path,
      handle,
      async release() {
        written.delete(name);
        await handle.close();
      },
    };
  }

  async function makeRoom(left: number): Promise<void> {
    const names = (await readdir(dir)).filter((name) => ours.test(name)).sort();
    const oldest = names.filter((name) => !written.has(name));
    for (const name of oldest.slice(0, Math.max(0, names.length - left))) await unlink(join(dir, name));
  }

  return {
    /** One after the other: two at a time would both see room for one. */
    create(started, id) {
      const time = started.toISOString().replace(/[-:.]/g, "");
      const name = `${time}-${tag}-${id.replace(/[^\w-]/g, "_")}.fairlead.jsonl`;
      const created = last.then(() => createNext(name));
      last = created.catch(() => undefined);
      return created;
    },
  };
}

/** `/vnc/:host` as `vnc_host.3fa9c1`: people know the first part again, the second tells `/a/b` from `/a_b`. */
function tagOf(route: string): string {
  const words = route.replace(/\W+/g, "_").replace(/^_|_$/g, "").slice(0, 40) || "root";
  return `${words}.${createHash("sha256").update(route).digest("hex").slice(0, 6)}`;
}
