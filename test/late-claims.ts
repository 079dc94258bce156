/** Claims that the test answers, as an engine over a network does: in its own time, in any order. */
import type { Claim, ClaimOptions, Claims, EngineError } from "../src/engine.ts";

interface Asked {
  readonly name: string;
  readonly options: ClaimOptions;
  done(result: Claim | { takenBy: string } | EngineError): void;
}

export function lateClaims() {
  const asked: Asked[] = [];
  const claims: Claims = { claim: (name, options, done) => void asked.push({ name, options, done }) };
  let released = 0;
  const release = () => {
    released += 1;
  };
  return {
    asked,
    claims,
    /** Answers the claim that was asked for as number `at`. */
    grant: (at: number) => asked[at]?.done({ holder: "x", fence: 1, renew: () => true, release }),
    released: () => released,
  };
}
