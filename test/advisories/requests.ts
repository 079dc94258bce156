/** Advisories about handshakes, headers, origins, paths and targets. */
import type { Row } from "./row.ts";

const HEADS = "test/attacks/heads.test.ts";
const GATE = "test/attacks-gate.test.ts";
const TARGETS = "test/bridge/targets/attacks.test.ts";

export const REQUESTS: readonly Row[] = [
  {
    advisory: "ws GHSA-5v72-xg48-5rpm",
    happened: "an extension called `constructor` crashed the server",
    expected: "101 without the extension, or 400",
    proofs: {
      "test/attacks/deflate.test.ts": [
        "an offer that no browser makes gets 101 without the extension, or 400:",
      ],
    },
  },
  {
    advisory: "ws CVE-2021-32640, websocket-extensions CVE-2020-7662, CVE-2020-7663",
    happened: "a slow pattern on headers of the handshake",
    expected: "an answer in less than 50 ms",
    proofs: {
      [HEADS]: ["is answered within 50 ms, if it is %s"],
      "test/attacks/deflate.test.ts": ["a header that is made to be slow costs less than 50 ms of CPU:"],
    },
  },
  {
    advisory: "ws CVE-2024-37890, tungstenite CVE-2023-43669, websocket-driver CVE-2026-54465",
    happened: "many, long or endless headers",
    expected: "431; one byte a second is closed within 15 s",
    proofs: {
      [HEADS]: ["%s are answered with 431"],
      "test/limits/requests.test.ts": [
        "refuses one more with 431, counted, before any other look at the request",
      ],
      "test/system/slow-head.test.ts": [
        "a head that is silent, half sent or dripping is closed after 10 to 15 s, and others are served meanwhile",
      ],
    },
  },
  {
    advisory: "websocket-driver CVE-2026-61666, CVE-2026-54463",
    happened: "a bad `Host` threw; draft versions were spoken",
    expected: "400 (10 KiB: 400 or 421), never 500; 426 for versions 0, 8 and 14",
    proofs: {
      [GATE]: ["a Host that is none (CVE-2026-61666, CVE-2026-54463)"],
      [HEADS]: ["an upgrade that is none, or of another age (CVE-2026-54463)"],
    },
  },
  {
    advisory: "undici CVE-2026-1527",
    happened: "CR LF through an option",
    expected: "refused, or nothing of it on the wire: URLs, headers, subprotocols, targets",
    proofs: {
      "test/attacks/injection.test.ts": [
        "in the library's URL begins no header: %j",
        "in the library's subprotocol is refused before anything is sent: %j",
        "in %s of the command line is a usage error",
        "in the name of a bridge's target reaches nothing that a client can spell",
      ],
    },
  },
  {
    advisory: "socket.io CVE-2020-28481",
    happened: "CORS was `*` by default",
    expected: "no CORS header unless listed, never `*` with credentials",
    proofs: {
      "test/reception/origin.test.ts": [
        "get no CORS header: %s",
        "are answered with their own origin under *, never with *, and without credentials",
      ],
    },
  },
  {
    advisory:
      "python-engineio PYSEC-2019-170, webpack-dev-server CVE-2018-14732, Vite CVE-2025-24010, nova CVE-2015-0259",
    happened: "WebSockets opened by foreign pages",
    expected:
      "403 for an `Origin` that is foreign, null, a sub-domain, a suffix, in capitals, of another port",
    proofs: { [GATE]: ["an Origin is refused with 403 if it is %s"] },
  },
  {
    advisory: "MCP SDK CVE-2025-66414",
    happened: "DNS rebinding",
    expected: "421 for a foreign `Host` on loopback",
    proofs: { [GATE]: ["Host %s on a loopback listener gets 421"] },
  },
  {
    advisory: "next GHSA-c4j6-fc7j-m34r",
    happened: "an upgrade was proxied to any target",
    expected: "absolute forms, `//host/` and `X-Forwarded-Host` are never dialled",
    proofs: {
      [GATE]: [
        "leads nowhere: only the path of an absolute form counts, and only the Host header names the host",
        "is not taken from X-Forwarded-Host, also of a proxy that is trusted",
      ],
    },
  },
  {
    advisory: "engine.io-client CVE-2016-10536, faye CVE-2020-15133, CVE-2020-15134",
    happened: "clients did not verify TLS",
    expected: "library, command line and bridge refuse who is not trusted; `--insecure` warns",
    proofs: {
      "test/attacks/untrusted-tls.test.ts": [
        "a session of the library does not speak to it, and says why",
        "a socket, a bridge and a relay of the library do not speak to it either",
        "the command line does not speak to one that is trusted for another name",
        "the command line says so, if it is told to take any",
      ],
      "test/bridge/dial/tls.test.ts": ["is not spoken to if its certificate is good, but for another name"],
    },
  },
  {
    advisory: "chisel CVE-2024-43798, CVE-2026-48113",
    happened: "authentication by environment was ignored; the ACL was passed after the handshake",
    expected: "environment, flag and file mean the same; a target is fixed when it is opened",
    proofs: {
      "test/attacks/effective-auth.test.ts": ["nobody comes in without a token, if the key stands %s"],
      [TARGETS]: [
        "is fixed when it is opened: neither frames nor a resume that names another address lead elsewhere",
      ],
    },
  },
  {
    advisory: "websockify #453, #465, nova CVE-2021-3654, noVNC CVE-2017-18635",
    happened: "listings by default; a redirect by `//evil/%2F..`; scripts in texts of the server",
    expected: "404 for folders, no foreign `Location`, texts shown as text",
    proofs: {
      "test/reception/static-files.test.ts": [
        "a folder without an index, which is not listed",
        "a redirect never names another host",
      ],
      "test/cli/connect/refusal.test.ts": [
        "a text that steers no terminal, breaks no line and ends somewhere",
      ],
    },
    open: "the console comes with a later issue",
  },
];
