/** For tests that bring topics of their own: what their subject never asks. */
import type { Topics } from "../../src/engine.ts";

export const NOBODY_ASKS: Pick<Topics, "history" | "find" | "watch"> = {
  history: () => Promise.reject(new Error("nobody asks for history")),
  find: () => Promise.reject(new Error("nobody looks for topics")),
  watch() {
    throw new Error("nobody watches");
  },
};
