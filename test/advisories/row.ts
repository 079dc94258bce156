/** One row of the table of what happened to others: what we do about it, and which tests say so. */
export interface Row {
  /** Ids of the advisories, or the kind of attack. */
  readonly advisory: string;
  readonly happened: string;
  readonly expected: string;
  /** Files with the names of tests in them, as they stand there. */
  readonly proofs: Readonly<Record<string, readonly string[]>>;
  /** What is not here yet, and why. */
  readonly open?: string;
}
