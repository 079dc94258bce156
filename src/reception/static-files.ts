/**
 * Files of one folder over HTTP, like noVNC's beside a bridge. Only what a path names plainly: no dotfiles, no listings, nothing outside the
 * folder, also not through a symbolic link; what is neither a file nor a folder with an index.html is not there.
 * The runtime answers HEAD and ranges and sends no faster than is read. Failure: a file that cannot be read is not there either.
 */
import { realpath, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { showValue } from "../config/key-path.ts";
import { FairleadError } from "../errors.ts";

const INDEX = "index.html";
const METHODS = ["GET", "HEAD"];

/** Undefined: nothing here has this path. `path` is as the request wrote it, percent escapes included. */
export type StaticFiles = (request: Request, path: string) => Promise<Response | undefined>;

export function createStaticFiles(folder: string): StaticFiles {
  return async (request, path) => {
    const names = METHODS.includes(request.method) ? namesOf(path) : undefined;
    if (names === undefined) return undefined;
    const file = await find(folder, names);
    if (file === undefined) return undefined;
    return file === INDEX_BELOW ? redirect(names) : answer(request, file);
  };
}

/** At the start, so that a wrong path is no riddle of 404s. @throws FairleadError LISTEN_FAILED */
export async function checkFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined); // why it cannot be read does not change the advice
  if (found?.isDirectory() === true) return;
  throw new FairleadError(
    "LISTEN_FAILED",
    `web: ${showValue(folder)} is no folder that can be read; check the path`,
  );
}

/** Undefined where a segment is not a plain name. A path that ends in `/` means the index there. */
function namesOf(path: string): string[] | undefined {
  const segments = path.slice(1).split("/");
  if (segments.at(-1) === "") segments[segments.length - 1] = INDEX;
  const names = segments.map(decoded);
  return names.every(isPlain) ? names : undefined;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return ""; // no name, as the empty segment
  }
}

/** `..`, `.git` and `.` begin with a dot; a separator that was escaped would name another folder. */
function isPlain(name: string): boolean {
  return (
    name !== "" &&
    !name.startsWith(".") &&
    !/[/\\\p{Cc}]/u.test(name) &&
    !(sep === "\\" && name.includes(":"))
  );
}

interface Found {
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
}

/** A folder that was named without the `/`, and has an index. */
const INDEX_BELOW = "index";

async function find(
  folder: string,
  names: readonly string[],
): Promise<Found | typeof INDEX_BELOW | undefined> {
  try {
    const [root, path] = await Promise.all([realpath(folder), realpath(join(folder, ...names))]);
    const inside = relative(root, path).split(sep);
    // Where a link leads counts like what is written: `..` and dotfiles begin with a dot.
    if (inside.some((name) => name.startsWith("."))) return undefined;
    const found = await stat(path);
    if (found.isFile()) return { path, size: found.size, mtimeMs: found.mtimeMs };
    return found.isDirectory() && (await stat(join(path, INDEX))).isFile() ? INDEX_BELOW : undefined;
  } catch (error) {
    if (error instanceof Error && "code" in error) return undefined; // ENOENT, ENOTDIR, EACCES, ENAMETOOLONG
    throw error;
  }
}

/** Relative, so that no name in it can be taken for a host. */
function redirect(names: readonly string[]): Response {
  return new Response(null, {
    status: 308,
    headers: { Location: `./${encodeURIComponent(names.at(-1) ?? "")}/` },
  });
}

function answer(request: Request, { path, size, mtimeMs }: Found): Response {
  const etag = `"${Math.round(mtimeMs).toString(36)}-${size.toString(36)}"`;
  const headers = { ETag: etag, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff" };
  if (isKnown(request.headers.get("if-none-match"), etag))
    return new Response(null, { status: 304, headers });
  return new Response(Bun.file(path), { headers });
}

/** RFC 9110 section 13.1.2, weakly compared. */
function isKnown(header: string | null, etag: string): boolean {
  const tags = (header ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes(etag) || tags.includes("*");
}
