/**
 * Steps of groups on their way to one home. Those of a group that are asked for in one turn, or while others of it are under way, go in one
 * call: so they are done in order, and a busy group costs few calls.
 * Bound: what the peers of a group may have under way. Failure: each step is answered, once.
 */
import type { RelaysDown } from "../../../relays.ts";
import type { StepAnswer } from "./wire.ts";

export interface Step {
  /** As the script reads it. */
  readonly words: Record<string, unknown> & { readonly k: string };
  /** What a message says. */
  readonly kept?: string;
  /** It is on its way, as `words` are now. */
  sent?(): void;
  /** `wasSent`: it may have been done all the same. */
  failed(error: RelaysDown, wasSent: boolean): void;
  answered(answer: unknown): void;
}

export interface StepsOptions {
  /** Resolves with the script's answer. */
  call(group: string, steps: string, kept: readonly string[]): Promise<StepAnswer>;
  /** Undefined: calls are taken. */
  problem(): RelaysDown | undefined;
  /** What those hear whose call failed. */
  readonly failure: RelaysDown;
  answered(answer: StepAnswer): void;
  /** A step that threw when it was answered. */
  onThrow(error: unknown): void;
}

interface Line {
  waiting: Step[];
  isUnderWay: boolean;
}

/** Of one call, so that no script takes long. */
const MAX_STEPS = 256;
/** Arguments of a script before those with messages. */
const FIRST_KEPT = 7;

export interface Steps {
  add(group: string, step: Step): void;
  /** Resolves when all that were asked for are answered. */
  rest(): Promise<void>;
}

export function createSteps({ call, problem, failure, answered, onThrow }: StepsOptions): Steps {
  const lines = new Map<string, Line>();
  const begun = new Set<string>();
  const resting: (() => void)[] = [];

  /** One that throws harms no other. */
  function tell(steps: readonly Step[], word: (step: Step, index: number) => void): void {
    for (const [index, step] of steps.entries()) {
      try {
        word(step, index);
      } catch (error) {
        onThrow(error);
      }
    }
  }

  function beginAll(): void {
    const groups = [...begun];
    begun.clear();
    for (const group of groups) begin(group);
  }

  function begin(group: string): void {
    const line = lines.get(group);
    if (line === undefined || line.isUnderWay) return;
    const steps = line.waiting.splice(0, MAX_STEPS);
    if (steps.length === 0) {
      lines.delete(group);
      if (lines.size === 0) for (const done of resting.splice(0)) done();
      return;
    }
    const reason = problem();
    if (reason !== undefined) {
      tell(steps, (step) => step.failed(reason, false));
      begin(group);
      return;
    }
    line.isUnderWay = true;
    void run(group, steps).finally(() => {
      line.isUnderWay = false;
      begin(group);
    });
  }

  async function run(group: string, steps: readonly Step[]): Promise<void> {
    const kept: string[] = [];
    const words = steps.map((step) => {
      const { words, kept: text } = step;
      step.sent?.();
      if (text === undefined) return words;
      kept.push(text);
      return { ...words, w: FIRST_KEPT + kept.length - 1 };
    });
    let answer: StepAnswer;
    try {
      answer = await call(group, JSON.stringify(words), kept);
    } catch {
      tell(steps, (step) => step.failed(failure, true));
      return;
    }
    answered(answer);
    tell(steps, (step, index) => step.answered(answer[2][index]));
  }

  return {
    add(group, step) {
      const line = lines.get(group) ?? { waiting: [], isUnderWay: false };
      lines.set(group, line);
      line.waiting.push(step);
      if (line.isUnderWay) return;
      if (begun.size === 0) setImmediate(beginAll);
      begun.add(group);
    },
    rest: () => (lines.size === 0 ? Promise.resolve() : new Promise((done) => resting.push(done))),
  };
}
