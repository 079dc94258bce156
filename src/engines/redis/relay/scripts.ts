/** The scripts of the relay, each put together of Lua in `lua/`. */
import { defineScript } from "../script.ts";
import { CHECK } from "./lua/check.ts";
import { MAILBOX } from "./lua/mailbox.ts";
import { ROLES } from "./lua/roles.ts";
import { STATE } from "./lua/state.ts";
import { STEPS } from "./lua/steps.ts";
import { SWEEP } from "./lua/sweep.ts";

export const STEP_SCRIPT = defineScript(STATE + MAILBOX + ROLES + STEPS);
export const SWEEP_SCRIPT = defineScript(STATE + MAILBOX + ROLES + SWEEP);
export const CHECK_SCRIPT = defineScript(STATE + CHECK);
