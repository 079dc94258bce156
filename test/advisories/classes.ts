/** Kinds of attack that no single advisory names. */
import type { Row } from "./row.ts";

export const CLASSES: readonly Row[] = [
  {
    advisory: "slow handshake",
    happened: "sockets without number that send a byte a second",
    expected: "closed within 15 s, others served meanwhile",
    proofs: {
      "test/system/slow-head.test.ts": [
        "a head that is silent, half sent or dripping is closed after 10 to 15 s, and others are served meanwhile",
      ],
    },
  },
  {
    advisory: "slow frame",
    happened: "the header of a large frame, then a byte a second",
    expected: "4008 without pongs, with them bounded by the limits",
    proofs: {
      "test/relay/silence.test.ts": ["is closed with 4008 even if it drips bytes of a frame that never ends"],
    },
  },
  {
    advisory: "upgrade smuggling",
    happened: "old versions, h2c, two lengths, bytes behind the head",
    expected: "426, 400; early bytes are frames once, or refused",
    proofs: {
      "test/attacks/heads.test.ts": [
        "of %s is answered with %d",
        "end the connection and are never a request of their own: %s",
      ],
      "test/attacks.test.ts": ["frames that come together with the handshake are messages"],
      "test/reception.test.ts": [
        "an upgrade with a body, and takes the body for one, not for the next request",
      ],
    },
  },
  {
    advisory: "log and terminal injection",
    happened: "CR LF, ESC, BEL and bidi marks in names, headers, reasons",
    expected: "one JSON object a line; the command line escapes",
    proofs: {
      "test/attacks/injection.test.ts": [
        "a log is one JSON object a line, with nothing that steers a terminal, whatever names, reasons and headers say",
      ],
      "test/log.test.ts": ["a line of the %s log steers no terminal"],
      "test/cli/connect/escape.test.ts": ["no character that steers gets through"],
    },
  },
  {
    advisory: "XSS through a room",
    happened: "`<img onerror>`, `javascript:` links, a name without end",
    expected: "shown as text; no dialog",
    proofs: {
      "test/system/examples.test.ts": ["the page of a room shows what strangers say as text, whatever it is"],
    },
    open: "the console, and its content security policy, come with a later issue",
  },
  {
    advisory: "path traversal",
    happened: "`/..%2f`, `%252e`, `\\`, NUL, links out of the root, dotfiles",
    expected: "404 or 400, never a byte from outside",
    proofs: {
      "test/reception/static-files.test.ts": [
        "whatever a path is made of, it reaches no file outside and no dotfile",
      ],
      "test/bridge/targets/attacks.test.ts": ["a path that climbs reaches no name that it does not spell"],
    },
  },
  {
    advisory: "SSRF by a bridge",
    happened: "a name that answers public first and 127.0.0.1 then; `0x7f.1`; 169.254.169.254",
    expected: "403; the address that was checked is the one that is dialled",
    proofs: {
      "test/bridge/targets/attacks.test.ts": [
        "that answers with a public address first and loopback then leads to the one that was checked",
        "that answers with a public address beside loopback is refused whole",
        "is refused, although the address it means is allowed to somebody who writes it plainly",
      ],
    },
  },
  {
    advisory: "token leakage",
    happened: "tokens in the URL",
    expected: "not read unless enabled, and in no log",
    proofs: {
      "test/auth/credentials.test.ts": ["carries no token unless the config says so, and is not even read"],
      "test/attacks-auth.test.ts": ["does not come in by the query, or twice, unless the config lets it"],
      "test/reception.test.ts": ["what the route chooses, and shows it the offer without tokens"],
    },
  },
  {
    advisory: "expiry and revocation while connected",
    happened: "a connection outlived its token",
    expected: "`expiring`, then 3000 after the grace; revoked at once",
    proofs: {
      "test/auth-life.test.ts": [
        "ends connections of every kind 25 s later with 3000, and none that needs no token",
        "ends all connections and streams of a user at once and no one else's, and the token comes in no more",
      ],
      "test/auth/validity.test.ts": [
        "is told so once when it has ended, and ended when the grace is over",
        "a revocation ends at once whoever it means, and nobody else, also those without an end",
      ],
      "test/reception/handshake.test.ts": [
        "is refused all the same if it was revoked while the route dialled, and what was taken is given back",
      ],
    },
  },
  {
    advisory: "rates",
    happened: "storms of messages, subscriptions, connections",
    expected: "paused, then an error, then 4029; 429 with `Retry-After`",
    proofs: {
      "test/limits/door-sockets.test.ts": [
        "refuses a storm with 429 and Retry-After, and leaves room for another address",
      ],
      "test/limits/pace-sockets.test.ts": [
        "is not read until it is within the rate, and loses nothing",
        "gets err rate_limited with retry for what is far ahead, then 4029",
      ],
      "test/session-turns.test.ts": ["a pattern that matches thousands of topics counts as many subs"],
    },
  },
  {
    advisory: "compression side channel",
    happened: "a secret beside an attacker's text in one context",
    expected: "no context takeover; frames with secrets as they are",
    proofs: {
      "test/compression.test.ts": [
        "the welcome, and the session of a relay; what follows them is",
        "reads compressed messages, also in fragments, and forgets each: the same one again takes the same bytes",
      ],
    },
  },
  {
    advisory: "metric label explosion",
    happened: "names of rooms as labels",
    expected: "no label comes from users",
    proofs: {
      "test/metrics/prometheus.test.ts": [
        "grows no series from 1,000 names, 1,000 unknown paths, or whatever code a client closes with",
      ],
    },
  },
  {
    advisory: "patterns in ACLs",
    happened: "`(a+)+$`",
    expected: "segments and `*` only, in linear time",
    proofs: { "test/access.test.ts": ["takes time in proportion to its length, however many stars it has"] },
  },
];
