/**
 * What the peers of one group said, what became of it, and who was handed and given it: the truth that a relay is held to. Every text
 * is unique. It knows the rules, and neither the server nor the library.
 */
import { otherRole, type Role } from "../../../src/wire/envelope.ts";

export type Third = "reject" | "replace" | "standby";

/** How a send ended, in a word; `none`: it was a plain client's, who is not told. */
export type Fate =
  | "delivered"
  | "expired"
  | "dropped"
  | "unknown"
  | "closed"
  | "buffer_full"
  | "bad_request"
  | "engine_down"
  | "none";

/** Ends of sessions, by role: of senders there, and of receivers whose messages nobody inherits. */
type Ends = Readonly<Record<"sender" | "receiver", Readonly<Record<Role, number>>>>;

interface Said {
  readonly text: string;
  readonly by: string;
  readonly role: Role;
  /** Counts over all. */
  readonly index: number;
  /** What had ended by then. */
  readonly before: Ends;
  fate: Fate | undefined;
  /** Put on the wire for a peer: its name and session. */
  readonly handed: Set<string>;
  /** Given to whoever reads there, by peer. */
  readonly given: Map<string, number>;
}

export interface Ledger {
  say(text: string, by: string, role: Role): void;
  end(text: string, fate: Fate): void;
  /** A frame with it was sent to a peer. `session` is empty for a plain one. */
  handed(text: string, to: string, session: string): void;
  given(text: string, to: string): void;
  /** This session speaks for the role from now on, and it is this peer's. */
  joined(role: Role, session: string, by: string): void;
  /** A session may have ended. `of`: those who may speak for these roles now, and not know yet that they do not. */
  sessionEnds(...of: readonly Role[]): void;
  /** Whose session the role's is. */
  speaker(role: Role): string | undefined;
  /** Ends of sends so far, by fate. */
  ended(fate: Fate): number;
  readonly givenCount: number;
  /** Whatever was going to be seen has been. */
  finish(): void;
  /** Texts whose send has not ended. */
  open(): string[];
  check(): void;
}

/** `check` throws the first thing that must not be. `sees`: whether every frame that is sent to anybody is reported; `of many`: by servers whose frames are in no order. */
export function createLedger(third: Third, sees: "all" | "all, of many" | "what arrives"): Ledger {
  const all = new Map<string, Said>();
  const fates = new Map<Fate, number>();
  const sessions = new Map<Role, string>();
  const speakers = new Map<Role, string>();
  /** Of each receiver from each sender, the last that was given. */
  const last = new Map<string, number>();
  let ends: Ends = { sender: { center: 0, local: 0 }, receiver: { center: 0, local: 0 } };
  /** To be judged when it is known what has ended: over several sockets the word of it may come later than this. */
  const doubts: Said[] = [];
  let givenCount = 0;
  let failure: Error | undefined;

  const known = (text: string): Said => {
    const said = all.get(text);
    if (said === undefined) throw new Error(`nobody said ${text}`);
    return said;
  };
  /** Whoever is called back must not throw, or it would be taken for a fault of the one who calls. */
  const fault = ({ text, by, fate, handed, given }: Said, what: string): void => {
    const facts = { fate, handed: [...handed], given: Object.fromEntries(given) };
    failure ??= new Error(`${text} by ${by}: ${what}; ${JSON.stringify(facts)}`);
  };

  function count(role: Role, isForGood: boolean): void {
    const { sender, receiver } = ends;
    ends = {
      sender: { ...sender, [role]: sender[role] + 1 },
      receiver: { ...receiver, [role]: receiver[role] + (isForGood ? 1 : 0) },
    };
  }

  /** Never handed over means never, whether before or after the word of it. */
  function checkUntouched(said: Said): void {
    const { fate, handed, given } = said;
    const isUntouched =
      fate === "expired" || fate === "dropped" || fate === "closed" || fate === "buffer_full";
    const isRefused = fate === "bad_request" || fate === "engine_down";
    if ((isUntouched || isRefused) && handed.size + given.size > 0)
      fault(said, "was handed over all the same");
  }

  function checkDelivered(said: Said): void {
    const toPlain = [...said.handed].some((to) => to.endsWith(" "));
    if (sees !== "what arrives" && said.given.size === 0 && !toPlain) fault(said, "nobody was given it");
  }

  /** Its sender may not have heard yet that its own session was over. */
  function checkUnknown(said: Said): void {
    const { role, before, by } = said;
    const to = otherRole(role);
    const hasEnded = ends.sender[role] > before.sender[role] || ends.receiver[to] > before.receiver[to];
    if (!hasEnded && speakers.get(role) === by) fault(said, "unknown, and no session has ended");
  }

  function checkOnce(said: Said, to: string): void {
    const sum = [...said.given.values()].reduce((total, times) => total + times, 0);
    if (third !== "replace" && sum > 1) fault(said, "was given twice");
    const handedTo = [...said.handed].filter((place) => place.startsWith(`${to} `)).length;
    if ((said.given.get(to) ?? 0) > handedTo) fault(said, `${to} was given it more often than handed`);
  }

  return {
    say(text, by, role) {
      if (all.has(text)) throw new Error(`${text} was said twice`);
      const more = { fate: undefined, handed: new Set<string>(), given: new Map<string, number>() };
      all.set(text, { text, by, role, index: all.size, before: ends, ...more });
    },
    end(text, fate) {
      const said = known(text);
      if (said.fate !== undefined) fault(said, `ended again, as ${fate}`);
      said.fate = fate;
      fates.set(fate, (fates.get(fate) ?? 0) + 1);
      checkUntouched(said);
      if (fate === "delivered") checkDelivered(said);
      if (fate !== "unknown") return;
      if (sees === "all") checkUnknown(said);
      else doubts.push(said);
    },
    handed(text, to, session) {
      const said = known(text);
      said.handed.add(`${to} ${session}`);
      if (third !== "replace" && said.handed.size > 1) fault(said, "was handed to a second session");
      checkUntouched(said);
    },
    given(text, to) {
      const said = known(text);
      givenCount += 1;
      said.given.set(to, (said.given.get(to) ?? 0) + 1);
      checkOnce(said, to);
      checkUntouched(said);
      const line = `${said.by} to ${to}`;
      if (third !== "replace" && said.index < (last.get(line) ?? 0)) fault(said, "came after a later one");
      last.set(line, said.index);
    },
    joined(role, session, by) {
      const before = sessions.get(role);
      if (before !== undefined && before !== session) count(role, third !== "replace");
      sessions.set(role, session);
      speakers.set(role, by);
    },
    sessionEnds(...of) {
      for (const role of ["center", "local"] as const) count(role, true);
      for (const role of of) speakers.delete(role);
    },
    speaker: (role) => speakers.get(role),
    ended: (fate) => fates.get(fate) ?? 0,
    get givenCount() {
      return givenCount;
    },
    finish: () => doubts.splice(0).forEach(checkUnknown),
    check() {
      if (failure !== undefined) throw failure;
    },
    open: () => [...all.values()].filter(({ fate }) => fate === undefined).map(({ text }) => text),
  };
}
