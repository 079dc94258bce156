/** Not a test of the suite: test/requires.test.ts runs it on a PATH that has nothing. */
import { requires } from "./requires.ts";

requires("websocat")("needs websocat", () => {});
