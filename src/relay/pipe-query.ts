/** What the URL of a pipe asks for: `?group=G&role=center|local`. Pure. Failure: a text for the close reason that says what to write. */
import { isGroup, MAX_GROUP_BYTES, type Registration } from "../wire/envelope.ts";
import { shown } from "../wire/shown.ts";

export function readPipeQuery(query: URLSearchParams): Registration | { readonly problem: string } {
  const [group, ...moreGroups] = query.getAll("group");
  const [role, ...moreRoles] = query.getAll("role");
  // Two answers to one question are none.
  if (moreGroups.length + moreRoles.length > 0) return { problem: "group and role stand once in the URL" };
  if (role !== "center" && role !== "local")
    return { problem: `role in the URL is center or local, received ${shown(role)}` };
  if (group !== undefined && isGroup(group)) return { group, role };
  const expected = `group in the URL is 1 to ${MAX_GROUP_BYTES} bytes without control characters`;
  return { problem: `${expected}, received ${shown(group)}` };
}
