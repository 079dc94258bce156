/** Plays groups against a real gateway: an echo that takes large messages, and one with compression. One case after the other. */
import { startGateway } from "../gateway.ts";
import type { Case, Group } from "./case.ts";
import { type Judged, judge } from "./judge.ts";
import { PATHS, play } from "./play.ts";

export interface Result extends Judged {
  readonly group: Group;
  readonly case: Case;
}

const ECHO = { kind: "echo", welcome: false, maxMessage: "32MiB" } as const;
const ROUTES = {
  [PATHS.plain]: ECHO,
  [PATHS.deflate]: { ...ECHO, compression: { threshold: 0 } },
} as const;

/** Throws only when the gateway itself does not answer. */
export async function run(groups: readonly Group[]): Promise<Result[]> {
  await using gateway = await startGateway(ROUTES);
  const results: Result[] = [];
  for (const group of groups) {
    for (const each of group.cases) {
      const seen = await play(gateway.host, each);
      results.push({ group, case: each, ...judge(each.plan(), seen) });
    }
  }
  return results;
}

/** Where something else came of it than what is known. */
export function surprises(results: readonly Result[]): string[] {
  return results.flatMap(({ case: { id, title, known }, verdict, seen }) => {
    const expected = known?.verdict ?? "OK";
    return verdict === expected ? [] : [`${id} ${title}: ${verdict}, expected ${expected}; seen: ${seen}`];
  });
}
