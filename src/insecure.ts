/**
 * The switches of a config that weaken it on purpose, or by an oversight: each is told at start and stands in `/metrics`, so that none is
 * forgotten. What is secure by itself and only open to the world (`listen.host: 0.0.0.0`) is none; routes that others reach and that
 * say nothing of who may come in are one.
 */
import type { Config } from "./config/schema.ts";
import type { Log } from "./log.ts";
import { isLoopbackName } from "./reception/host.ts";
import { ANY_ORIGIN } from "./reception/origin.ts";

export interface InsecureSwitch {
  /** Label of the gauge: the option's name in the config. */
  readonly name: string;
  /** What it means, for the log. */
  readonly text: string;
}

/** In the order of the config's options; empty: nothing is weakened. */
export function insecureSwitches({ listen, auth, origins, routes }: Config): InsecureSwitch[] {
  const { devTls, plainPort, host, unix } = listen;
  const isReached = unix === undefined && !isLoopbackName(host);
  const asksNobody = auth === undefined && Object.values(routes).some((route) => route.auth === undefined);
  return [
    ...when(
      isReached && asksNobody,
      "auth",
      "whoever reaches the address may use the routes; add auth, or write auth: none on routes that are for everybody",
    ),
    ...when(
      devTls,
      "listen.devTls",
      "clients cannot know that they speak to this gateway and to nobody between",
    ),
    ...when(
      plainPort !== undefined && isReached,
      "listen.plainPort",
      "what goes over that port can be read and changed on its way",
    ),
    ...when(
      auth?.query === true,
      "auth.query",
      "tokens in the URL stand in logs of proxies and in histories, and leave with the Referer header",
    ),
    ...when(
      origins.includes(ANY_ORIGIN),
      "origins",
      "any web page may connect, with what its visitor's network may reach",
    ),
  ];
}

export function tellInsecure(switches: readonly InsecureSwitch[], log: Log): void {
  for (const { name, text } of switches) log.warn({ switch: name, means: text }, "! insecure by its config");
}

function when(is: boolean, name: string, text: string): InsecureSwitch[] {
  return is ? [{ name, text }] : [];
}
