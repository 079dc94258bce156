/**
 * The one place that decides what somebody may do: WebSocket, event streams, HTTP and commands all ask here.
 * A token's `caps` hold where it has them, else the route's rules, else everything is allowed but what the kind of route closes.
 *
 * Never throws; whatever cannot be read allows nothing.
 */
import {
  type Caps,
  type Identity,
  type May,
  type Names,
  RIGHTS,
  type Right,
  type Rights,
} from "./identity.ts";
import { covers, namesProblem } from "./wire/name-pattern.ts";
import { shown } from "./wire/shown.ts";

export interface AccessRules {
  /** The route's path as configured, by which `caps` name it. */
  readonly route: string;
  /** Of everybody without `caps`; absent: `byDefault`. */
  readonly access?: Rights | undefined;
  /** Of those of whom nothing was checked; absent: as everybody. */
  readonly anonymous?: Rights | undefined;
  readonly byDefault: Rights;
}

export interface Access {
  of(identity: Identity): May;
}

const ANY_ROUTE = "*";
/** Patterns in one list of a token; each may cost a comparison with every command. */
const MAX_PATTERNS = 1_000;

export const NOBODY: Identity = { user: null, by: "nothing" };

export function createAccess({ route, access, anonymous, byDefault }: AccessRules): Access {
  const ofAll = mayOf([access ?? byDefault]);
  const ofNobody = anonymous === undefined ? ofAll : mayOf([anonymous]);

  return {
    of({ caps, by }) {
      if (caps === undefined) return by === "nothing" ? ofNobody : ofAll;
      return mayOf([own(caps, route), own(caps, ANY_ROUTE)]);
    },
  };
}

function mayOf(lists: readonly (Rights | undefined)[]): May {
  return (right, name) =>
    lists.some((rights) => {
      const names = own(rights, right);
      return names === true || (names?.some((pattern) => covers(pattern, name)) ?? false);
    });
}

/** Why a right does not hold for a name, in words for its client; undefined: it holds. */
export function lacks(may: May, right: Right, name: string): string | undefined {
  if (may(right, name)) return undefined;
  return `no right to \`${right}\` on ${shown(name)}; the token, or \`access\` of the route, must give it`;
}

/** The `caps` of a token. Undefined: they are not of the form, so that whoever has them is refused instead of let through. */
export function readCaps(value: unknown): Caps | undefined {
  if (!isTable(value)) return undefined;
  const isValid = Object.entries(value).every(([route, rights]) => isRoute(route) && isRights(rights));
  return isValid ? (value as Caps) : undefined;
}

function isRoute(route: string): boolean {
  return route === ANY_ROUTE || route.startsWith("/");
}

function isRights(value: unknown): boolean {
  if (!isTable(value)) return false;
  return Object.entries(value).every(([right, names]) => RIGHTS.includes(right as Right) && isNames(names));
}

function isNames(value: unknown): value is Names {
  if (value === true) return true;
  return Array.isArray(value) && value.length <= MAX_PATTERNS && value.every(isPattern);
}

function isPattern(value: unknown): boolean {
  return typeof value === "string" && namesProblem(value) === undefined;
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Tables come from strangers: what they inherit is not theirs. */
function own<T extends object, K extends string>(table: T | undefined, key: K) {
  return table !== undefined && Object.hasOwn(table, key) ? table[key as unknown as keyof T] : undefined;
}
