/**
 * A listening socket in the file system: it has its rights from its first moment, and one that a killed process left behind makes way.
 * What is no socket, or one that somebody listens on, stays; binding then fails.
 */
import { lstat, unlink } from "node:fs/promises";
import { connect } from "node:net";

/** `mode` in octal. Between a bind and a later chmod anybody could connect. */
export function withRights<T>(mode: string, bind: () => T): T {
  const before = process.umask(0o777 & ~Number.parseInt(mode, 8));
  try {
    return bind();
  } finally {
    process.umask(before);
  }
}

/** Never rejects: what cannot be looked at or removed is told by the bind that follows. */
export async function clearStale(path: string): Promise<void> {
  const isSocket = await lstat(path).then(
    (found) => found.isSocket(),
    () => false,
  );
  if (isSocket && (await isRefused(path))) await unlink(path).catch(() => undefined);
}

function isRefused(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(false);
    });
    socket.on("error", (error) => resolve("code" in error && error.code === "ECONNREFUSED"));
  });
}
