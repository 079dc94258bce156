/**
 * Answers of an engine that gives them after the command's own turn, and many at once: those of one connection that come in a row are
 * handed over in one cork, because outside of the runtime's hooks each `send` is a system call. Bound: what the engine answers in one turn.
 */
import type { Connection } from "../connection.ts";
import type { Reply } from "../route.ts";
import { createTurn } from "../turn.ts";
import type { Answer } from "../wire/v1.ts";

interface Late {
  readonly reply: Reply;
  readonly answer: Answer;
}

type Corked = Pick<Connection, "cork">;

export interface LateAnswers {
  /** `reply` MUST NOT throw. */
  add(connection: Corked, late: Late): void;
}

export const createLateAnswers = (): LateAnswers =>
  createTurn<Corked, Late>((connection, all) =>
    connection.cork(() => {
      for (const { reply, answer } of all) reply(answer);
    }),
  );
