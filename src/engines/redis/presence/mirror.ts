/**
 * The members of one topic that somebody on this node watches, as this node knows them: read once, then kept by the changes that Redis tells.
 * What was missed (pub/sub is at most once) shows as a change whose predecessor is not known here, or as another position when asked; then
 * all is read again, and the difference is told. So each join and leave is told once, whatever the link does.
 *
 * After lost data (another generation) nodes register their members again. For `settle` ms who is missing counts as still there.
 * Limits: HELD changes wait while it reads; past that it reads again. It takes the memory of all members of the topic.
 * Failure: a read that fails is made again when somebody calls `check`.
 */
import type { Clock, Timer } from "../../../clock.ts";

export interface Change {
  readonly kind: "join" | "leave";
  readonly conn: string;
  readonly value: string;
}

/** Members from Redis: `position` of the topic, `number` of the home's last change. */
export interface Page {
  readonly gen: string;
  readonly position: number;
  readonly number: number;
  readonly total: number;
  /** How many stand before the first. */
  readonly start: number;
  readonly members: readonly (readonly [conn: string, value: string])[];
}

export interface SettlingPage extends Pick<Page, "members" | "total"> {
  readonly complete: boolean;
}

export interface MirrorOptions {
  readonly clock: Clock;
  /** ms */
  readonly settle: number;
  /** The next members after `conn`. */
  read(after: string | undefined): Promise<Page>;
  /** `total`: how many there are then. */
  tell(change: Change, total: number): void;
}

interface Numbered extends Change {
  readonly gen: string;
  readonly before: number;
  readonly position: number;
  readonly number: number;
}

const HELD = 10_000;
/** What overtook another on its way over the second connection comes within that. */
const OVERTAKEN_MS = 250;

/** A class, because a node has as many as topics are watched. */
export class Mirror {
  readonly #options: MirrorOptions;
  readonly #members = new Map<string, string>();
  #held: Numbered[] = [];
  /** Undefined: nothing was read yet. */
  #gen: string | undefined;
  #formerGen: string | undefined;
  #position = 0;
  #number = 0;
  #loading: Promise<void> | undefined;
  #isClosed = false;
  #settling: Timer | undefined;
  #suspicion: Timer | undefined;

  constructor(options: MirrorOptions) {
    this.#options = options;
  }

  /** What a script published. */
  hear(payload: string): void {
    if (this.#isClosed) return;
    for (const change of parse(payload)) this.#take(change);
    if (this.#held.length > 0 && this.#loading === undefined) this.#drain();
  }

  /** What Redis says of the topic, just now. */
  check(gen: string, position: number): void {
    if (this.#loading !== undefined || this.#isClosed || this.#settling !== undefined) return;
    if (this.#gen === undefined) void this.load();
    else if (gen !== this.#gen) this.#begin(gen);
    else if (position !== this.#position) this.#suspect();
  }

  /**
   * Those after `after`, while nodes register them again: Redis does not have them all, and nobody will be told of those who come back.
   * Undefined: Redis has them.
   */
  settlingPage(after: string | undefined, limit: number): SettlingPage | undefined {
    if (this.#settling === undefined) return undefined;
    const all = [...this.#members].sort(([a], [b]) => byConn(a, b));
    const rest = after === undefined ? all : all.filter(([conn]) => byConn(conn, after) > 0);
    return { members: rest.slice(0, limit), total: all.length, complete: rest.length <= limit };
  }

  /** What somebody was answered: who is in it must be told of when they leave, and so is here from now on. */
  saw({ gen, position, number, members }: Page): void {
    if (this.#gen !== undefined && gen !== this.#gen) this.check(gen, position);
    if (gen !== this.#gen || number <= this.#number || this.#settling !== undefined) return;
    for (const [conn, value] of members) this.#apply({ kind: "join", conn, value });
  }

  /** Whether it knows the members; it reads them when it does not. */
  async ready(): Promise<boolean> {
    if (this.#gen === undefined) await this.load();
    return this.#gen !== undefined;
  }

  /** Never rejects. */
  load(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#loading ??= this.#load();
    return this.#loading;
  }

  async #load(): Promise<void> {
    this.#suspicion?.cancel();
    this.#suspicion = undefined;
    try {
      const { first, all } = await this.#readAll();
      if (!this.#isClosed) this.#become(all, first);
    } catch {
      // Redis is away. Whoever checks the next time begins again.
    } finally {
      this.#loading = undefined;
      if (!this.#isClosed) this.#drain();
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#settling?.cancel();
    this.#suspicion?.cancel();
  }

  #take(change: Numbered): void {
    if (this.#loading !== undefined) {
      this.#hold(change);
      return;
    }
    if (this.#gen === undefined || change.gen === this.#formerGen) return;
    if (change.gen !== this.#gen) this.#begin(change.gen);
    if (change.number <= this.#number) return;
    if (this.#settling === undefined && change.before !== this.#position) {
      this.#hold(change);
      return;
    }
    this.#position = change.position;
    this.#number = change.number;
    this.#apply(change);
  }

  #apply({ kind, conn, value }: Change): void {
    const isChange = kind === "join" ? !this.#members.has(conn) : this.#members.delete(conn);
    if (kind === "join") this.#members.set(conn, value);
    if (isChange) this.#options.tell({ kind, conn, value }, this.#members.size);
  }

  #hold(change: Numbered): void {
    this.#held.push(change);
    // The oldest is the one whose loss a read makes good.
    if (this.#held.length > HELD) this.#held.shift();
    if (this.#loading === undefined) this.#suspect();
  }

  #drain(): void {
    const waiting = this.#held.sort(byNumber);
    this.#held = [];
    for (const change of waiting) this.#take(change);
  }

  #suspect(): void {
    const seen = this.#number;
    this.#suspicion ??= this.#options.clock.after(OVERTAKEN_MS, () => {
      this.#suspicion = undefined;
      if (this.#held.length > 0 || seen === this.#number) void this.load();
    });
  }

  /** Another generation: whoever lives registers again. */
  #begin(gen: string): void {
    this.#formerGen = this.#gen;
    this.#gen = gen;
    this.#position = 0;
    this.#number = 0;
    this.#settling?.cancel();
    this.#settling = this.#options.clock.after(this.#options.settle, () => {
      this.#settling = undefined;
      void this.load();
    });
  }

  async #readAll(): Promise<{ first: Page; all: Map<string, string> }> {
    const { read } = this.#options;
    const first = await read(undefined);
    const all = new Map(first.members);
    for (let page = first; page.members.length > 0 && page.start + page.members.length < page.total; ) {
      page = await read(page.members.at(-1)?.[0]);
      if (page.gen !== first.gen) return this.#readAll();
      for (const [conn, value] of page.members) all.set(conn, value);
    }
    this.#rewind(all, first);
    return { first, all };
  }

  /** As it was at the first page: later pages are younger, and what happened since was told. */
  #rewind(all: Map<string, string>, first: Page): void {
    const seen = new Set<string>();
    for (const { gen, number, kind, conn, value } of this.#held.sort(byNumber)) {
      if (gen !== first.gen || number <= first.number || seen.has(conn)) continue;
      seen.add(conn);
      if (kind === "join") all.delete(conn);
      else all.set(conn, value);
    }
  }

  #become(all: ReadonlyMap<string, string>, first: Page): void {
    if (this.#gen !== undefined && first.gen !== this.#gen) {
      this.#begin(first.gen);
      return;
    }
    const isFirst = this.#gen === undefined;
    this.#gen = first.gen;
    this.#position = first.position;
    this.#number = first.number;
    if (isFirst) for (const [conn, value] of all) this.#members.set(conn, value);
    for (const [conn, value] of [...this.#members])
      if (!all.has(conn)) this.#apply({ kind: "leave", conn, value });
    for (const [conn, value] of all) this.#apply({ kind: "join", conn, value });
  }
}

/** The order of Redis (own.ts). */
const byConn = (a: string, b: string) => a.length - b.length || (a < b ? -1 : Number(a > b));

const byNumber = (a: Numbered, b: Numbered) => a.number - b.number;

/** As `publish` in scripts.ts writes it. */
function parse(payload: string): Numbered[] {
  const [gen, changes]: [string, [number, number, number, Change["kind"], string, string][]] =
    JSON.parse(payload);
  return changes.map(([before, position, number, kind, conn, value]) => ({
    gen,
    before,
    position,
    number,
    kind,
    conn,
    value,
  }));
}
