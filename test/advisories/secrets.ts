/** Advisories about tokens, rights, keys and ids. */
import type { Row } from "./row.ts";

const JWT = "test/auth/jwt.test.ts";
const ISSUERS = "test/auth/issuers.test.ts";

export const SECRETS: readonly Row[] = [
  {
    advisory:
      "hono CVE-2026-22817, CVE-2026-22818, fast-jwt CVE-2026-34950, PyJWT CVE-2026-48526, authlib CVE-2024-37568",
    happened: "JWT: confusion of algorithms and keys",
    expected: "401 or 3000",
    proofs: {
      [JWT]: [
        "is refused, with and without a signature (hono CVE-2026-22817)",
        "HS256 by the RSA public key is refused, with newline and blank too (fast-jwt CVE-2026-34950)",
        "a public key is not taken for a secret, in whatever file (authlib CVE-2024-37568)",
        "keys that a token brings along (hono CVE-2026-22818)",
        "if it has no exp, or nbf in the future (PyJWT CVE-2026-48526)",
        "names no key and opens no file",
      ],
      "test/attacks-auth.test.ts": [
        "every token that was made up gets 401 at each door, leads nowhere, and stands in no log and no answer",
        "a first command with such a token is answered unauthorized, and the connection ends with 3000",
      ],
    },
  },
  {
    advisory: "mercure CVE-2026-39972, centrifugo CVE-2026-49998",
    happened: "keys of caches collided; keys were kept by `kid` alone",
    expected: "two different inputs never share a key; the same `kid` of two issuers does not mix",
    proofs: {
      "test/attacks/keys.test.ts": [
        "the name of a publish: topic, user and idem",
        "the claim of a role: route, group and role",
        "a native channel: route, topic and what its readers speak",
        "the dials that are under way to one service are not counted for another:",
      ],
      [ISSUERS]: ["the same kid under two issuers does not mix their keys (centrifugo CVE-2026-49998)"],
    },
  },
  {
    advisory: "centrifugo CVE-2026-32301",
    happened: "an address built from claims nobody had checked",
    expected: "no outbound connection at all",
    proofs: {
      [ISSUERS]: ["claims that would build an address elsewhere lead nowhere (centrifugo CVE-2026-32301)"],
    },
  },
  {
    advisory: "centrifugo GHSA-q926-c743-49qj",
    happened: "a switch that skips signatures was silent",
    expected: "insecure switches warn at start and stand in `/metrics`",
    proofs: { "test/insecure.test.ts": ["each switch has its name, and says what it means"] },
    open: "there is no switch that skips a check of tokens, so none has to be repeated in production",
  },
  {
    advisory: "python CVE-2021-33880",
    happened: "the time of a comparison told of the password",
    expected: "digests are compared, all of them",
    proofs: {
      "test/auth/api-keys.test.ts": [
        "every hash is compared, wherever the right one stands (python CVE-2021-33880)",
        "nothing else is a key: another one, one letter off, its hash, any other length",
      ],
    },
  },
  {
    advisory: "NATS CVE-2026-33247",
    happened: "secrets stood on the monitoring port",
    expected: "no secret in config print, logs, answers or errors",
    proofs: {
      "test/config/print.test.ts": ["tells that a secret of the config itself is set, and not what it is"],
      "test/config/auth-checks.test.ts": [
        "no flag takes a secret, which others on the machine could read",
        "an API key is given by its hash, and one that is given itself is not repeated",
      ],
      "test/config/load.test.ts": ["without the value when it came from a secret's file"],
    },
  },
  {
    advisory: "NATS CVE-2026-33215, CVE-2026-33217",
    happened: "ids were taken over; the ACL was skipped on another protocol",
    expected: "one path for all rights; an older connection of a session or stream gets 4590",
    proofs: {
      "test/topics/rights-attacks.test.ts": [
        "a closed topic is heard by no spelling of its path: not by WebSocket, event stream or page",
        "a closed topic is written by no spelling: not by path, command or POST",
      ],
      "test/relay/v1-peer.test.ts": [
        "takes the place of its own older connection at once, which is closed with 4590 and not told of",
        "is of its user, its group and its role only",
      ],
      "test/bridge/resume/stream.test.ts": [
        "takes the stream from a connection that is still open, which gets 4590",
      ],
    },
  },
  {
    advisory: "faye CVE-2020-11020",
    happened: "a suffix passed the ACL",
    expected: "rights are asked for the very name that is used, whatever a path or a command spells",
    proofs: {
      "test/topics/rights-names.test.ts": [
        "%s: a right is asked for the very name in a path that is then subscribed",
        "%s: a right is asked for the very name in a command that is then used",
      ],
      "test/topics/rights-attacks.test.ts": [
        "a closed topic is heard by no spelling of its name in a command, nor told of",
      ],
      "test/relay/rights.test.ts": [
        "whatever a group is called, the right is asked for the very name that is claimed",
        "whatever a URL says, a pipe asks for the very group that it joins",
      ],
      "test/bridge/targets/rights.test.ts": [
        "whatever a path or a query says, the right is asked for the very name that is led to",
      ],
    },
  },
  {
    advisory: "socket.io CVE-2017-16031",
    happened: "ids from `Math.random`",
    expected: "secrets are 128 random bits; `Math.random` for jitter and demo data only",
    proofs: { "test/architecture.test.ts": ["words that belong to one file are used in that file only"] },
  },
];
