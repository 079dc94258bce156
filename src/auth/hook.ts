/**
 * `authorize` of a TypeScript config: a program of the operator's own that says who a client is, or changes what was checked. Whatever goes wrong in
 * it denies: a throw, an answer that is not of the form (one that forgot to return, too), no answer in time.
 */
import { readCaps } from "../access.ts";
import type { Clock } from "../clock.ts";
import type { Authorize, AuthorizedAs, AuthorizeRequest } from "../config/auth.ts";
import { isTable } from "../config/key-path.ts";
import type { Identity } from "../identity.ts";
import type { Log } from "../log.ts";
import { isInfo, isText } from "./claims.ts";
import type { Denial } from "./denials.ts";

/** Null: nothing to add to what was checked. */
export type Said = Identity | Extract<Denial, "refused" | "failed" | "unavailable" | "expired"> | null;

interface HookParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Milliseconds that an answer may take; 0 = any time. */
  readonly deadline: number;
}

const TIMED_OUT = Symbol("timed out");
const NAME = { fits: isText, must: "a text of 1 to 255 bytes without control characters" };
const FIELDS: Readonly<Record<keyof AuthorizedAs, Field>> = {
  user: { fits: (value) => value === null || isText(value), must: `${NAME.must}, or null` },
  caps: {
    fits: (value) => readCaps(value) !== undefined,
    must: "a table like { [route]: { subscribe: true } }",
  },
  expires: {
    fits: isTime,
    must: "a number of unix milliseconds; `exp` of a token has seconds, so times 1000",
  },
  info: { fits: isInfo, must: "JSON of at most 1 KiB" },
  target: NAME,
  tokenId: NAME,
};

interface Field {
  fits(value: unknown): boolean;
  /** What it has to be. */
  readonly must: string;
}

/** What is a time of our days in seconds, and one of 1970 in milliseconds, would deny everybody as expired, and nobody would know why. */
function isTime(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && !(value > 1e9 && value < 1e11);
}

/** Never rejects. */
export async function askHook(
  authorize: Authorize,
  request: AuthorizeRequest,
  parts: HookParts,
): Promise<Said> {
  const { route } = request;
  try {
    const answer = await within(parts, async () => authorize(request));
    if (answer === TIMED_OUT) {
      parts.log.warn({ route, deadline: parts.deadline }, "! authorize did not answer in time");
      return "unavailable";
    }
    if (answer === null) return null;
    if (answer === false) return "refused";
    const identity = identityOf(answer, request.identity, parts.clock);
    // Of its own answer only: a token within the tolerance is not at its end yet.
    return (answer.expires ?? Number.POSITIVE_INFINITY) <= parts.clock.wall() ? "expired" : identity;
  } catch (error) {
    parts.log.error({ route, err: error }, "! authorize failed");
    return "failed";
  }
}

function identityOf(answer: unknown, checked: Identity | null, clock: Clock): Identity {
  const wrong = problemOf(answer);
  if (wrong !== undefined)
    throw new TypeError(`authorize must return fields of an identity, null or false; ${wrong}`);
  // What was issued before a revocation stays revoked; what only the hook vouches for is as old as its answer.
  const before = checked ?? { user: null, issuedAt: clock.wall() };
  return { ...before, ...given(answer), by: "hook" };
}

/** A field that is there and undefined is one that was left out: it takes nothing away, least of all `caps`. */
function given(answer: unknown): Partial<Identity> {
  return Object.fromEntries(
    Object.entries(answer ?? {}).filter(([, value]: [string, unknown]) => value !== undefined),
  );
}

/** Names what is wrong, not its value, which may be a secret. */
function problemOf(answer: unknown): string | undefined {
  if (!isTable(answer)) return `it returned ${answer === undefined ? "nothing" : `a ${typeof answer}`}`;
  const unknown = Object.keys(answer).find((field) => !Object.hasOwn(FIELDS, field));
  if (unknown !== undefined) return `${unknown} is none of them`;
  const wrong = Object.entries(FIELDS).find(
    ([field, { fits }]) => answer[field] !== undefined && !fits(answer[field]),
  );
  return wrong === undefined ? undefined : `its ${wrong[0]} must be ${wrong[1].must}`;
}

/** What `run` still does past the deadline changes nothing; its failure then is nobody's any more. */
function within<T>({ clock, deadline }: HookParts, run: () => Promise<T>): Promise<T | typeof TIMED_OUT> {
  return new Promise((resolve, reject) => {
    const timer = deadline > 0 ? clock.after(deadline, () => resolve(TIMED_OUT)) : undefined;
    run()
      .then(resolve, reject)
      .finally(() => timer?.cancel());
  });
}
