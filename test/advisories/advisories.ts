/** What happened to others, by what it was about. docs/advisories.md is written from this. */
import { CLASSES } from "./classes.ts";
import { FRAMES } from "./frames.ts";
import { REQUESTS } from "./requests.ts";
import type { Row } from "./row.ts";
import { SECRETS } from "./secrets.ts";

export type { Row } from "./row.ts";

export const ADVISORIES: Readonly<Record<"frames" | "requests" | "secrets" | "classes", readonly Row[]>> = {
  frames: FRAMES,
  requests: REQUESTS,
  secrets: SECRETS,
  classes: CLASSES,
};
