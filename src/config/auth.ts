/** Options of `auth`: what clients may show of who they are. */
import { z } from "zod";
import { duration, flag } from "./option.ts";

export const authOptions = z.strictObject({
  deadline: duration(
    "5s",
    "how long a client of fairlead.v1 may take to show a token by `auth`; past it close 3008",
  ),
  grace: duration(
    "25s",
    "how long after its token has ended a connection may bring a new one; past it close 3000",
  ),
  browserClose: flag(
    true,
    "browsers cannot see a status: they are let in and closed with 3000 or 3003, so that a client library stops",
  ),
});

export type AuthOptions = z.output<typeof authOptions>;
