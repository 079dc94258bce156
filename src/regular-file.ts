/**
 * A file that the config names, read whole. It is looked at before, also while connections are served: a pipe would be waited for, and a device
 * never ends. Failure: why not, in words that follow the file's name; whoever names the file says which option that was.
 */
import { readFileSync, statSync } from "node:fs";
import { codeOf } from "./errors.ts";

/** Keys and chains of certificates have some KiB. */
const MAX_FILE_BYTES = 1_048_576;

/** A string says why it cannot be read. */
export function readRegularFile(file: string): Buffer | string {
  try {
    const stats = statSync(file);
    if (stats.isFile() && stats.size <= MAX_FILE_BYTES) return readFileSync(file);
  } catch (error) {
    return `cannot be read (${codeOf(error)}); check the path and its rights`;
  }
  return `is no file of at most ${MAX_FILE_BYTES} bytes; is it the right one?`;
}
