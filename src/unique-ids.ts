/** Ids that are unique across processes and restarts: 64 random bits for whoever gives them, then a count. */
import { randomBytes } from "node:crypto";

const PREFIX_BYTES = 8;

export function createUniqueIds(): () => string {
  const prefix = randomBytes(PREFIX_BYTES).toString("base64url");
  let count = 0;
  return () => {
    count += 1;
    return `${prefix}-${count.toString(36)}`;
  };
}
