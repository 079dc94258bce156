/** Advisories about frames, memory and compression. */
import type { Row } from "./row.ts";

const FLOODS = "test/attacks/floods.test.ts";
const ATTACKS = "test/attacks.test.ts";
const DEFLATE = "test/attacks/deflate.test.ts";

export const FRAMES: readonly Row[] = [
  {
    advisory: "ws CVE-2016-10518, CVE-2026-45736",
    happened: "numbers or typed arrays sent uninitialised memory",
    expected: "the exact bytes, or a TypeError, at every call of server and library that sends",
    proofs: {
      "test/attacks/sent-bytes.test.ts": [
        "%s: published",
        "%s: sent to a relay's partner",
        "%s: sent on a socket that reconnects, before it is open and after",
        "%s: written to a bridge",
        "sends exactly the bytes of %s",
        "sends a number as its text, not as so many bytes",
        "answers a ping with its own bytes",
      ],
    },
  },
  {
    advisory: "ws CVE-2016-10542, Rust CVE-2022-35922",
    happened: "a buffer was allocated from the announced length",
    expected: "1009 at once for 2^31 to 2^64-1 bytes, nothing allocated",
    proofs: {
      [FLOODS]: [
        "of 2^31 to 2^64-1 bytes closes with 1009 on every kind of route, and nothing is allocated for it",
        "of most of a message each holds no memory, on a hundred connections that send nothing of it",
      ],
    },
  },
  {
    advisory: "gorilla CVE-2020-27813, undici CVE-2026-1528, NATS CVE-2026-27889",
    happened: "a length overflowed",
    expected: "1009, also for fragments whose sum passes the limit",
    proofs: { [ATTACKS]: ["2^64-1 bytes announced by a fragment", "fragments that sum up over it"] },
  },
  {
    advisory: "ws CVE-2026-48779, undici CVE-2026-12151",
    happened: "tiny fragments without number",
    expected: "memory within the message limit, 1009 past it, others served",
    proofs: {
      [FLOODS]: [
        "without an end, on twenty connections, hold no more than their bytes, and others are served",
        "its route's limit close with 1009 when the message ends",
        "the largest limit of all routes close with 1009 at once",
      ],
      "test/system/memory.test.ts": ["four million empty fragments of one message"],
    },
  },
  {
    advisory: "ws 8.23.0",
    happened: "a flood of pings by one who reads nothing",
    expected: "1008 or a reset at the count, less than 8 MiB",
    proofs: {
      [FLOODS]: [
        "400,000 of a client that reads none of the pongs end its connection, and weigh less than 8 MiB",
      ],
      [ATTACKS]: ["60 pings in 10 s are answered, and the 61st closes with 1008"],
    },
  },
  {
    advisory: "ws-rs CVE-2020-35896, ws #999, node #9254",
    happened: "output to a slow reader without bound",
    expected: "the queue's bound holds; 1013, or drops that are counted",
    proofs: {
      "test/system/slow-readers.test.ts": [
        "is closed with 1013 under close, with what it had been sent before that, and others get everything",
        "goes on later under drop-oldest, in order, and what it missed is counted and logged",
      ],
      "test/system/memory.test.ts": ["memory stays flat while somebody else does not read"],
    },
  },
  {
    advisory:
      "python CVE-2018-1000518, undici CVE-2026-1526, NATS CVE-2026-27571, CVE-2026-33219, websocket-driver CVE-2026-54464",
    happened: "deflate bombs, also before authentication",
    expected: "1009, memory flat",
    proofs: {
      [DEFLATE]: [
        "48 KiB that inflate to 50 MiB",
        "505 bytes that inflate to 500 KiB, where 64 KiB are allowed",
        "of a client that has not said who it is",
        "and a hundred of them leave the memory as it was",
      ],
    },
  },
  {
    advisory: "undici CVE-2026-2229, NATS CVE-2026-29785",
    happened: "bad window bits, or garbage, threw",
    expected: "the library and the command line fail the connection, nothing is thrown",
    proofs: {
      "test/attacks/deflate-client.test.ts": ["if the server compresses, and did not say that it would"],
      "test/attacks/hostile-server.test.ts": [
        "%s loses a socket of the library, which hears of it as a close",
        "%s is no welcome for a session, which says that it is away",
        "%s ends the command line with 1 and a line, not with a stack",
      ],
    },
  },
  {
    advisory: "engine.io CVE-2022-21676, CVE-2022-41940, CVE-2023-31125, socket.io CVE-2024-38355",
    happened: "one bad request, and the process was dead",
    expected: "alive after RSV2 and RSV3, resets at any moment of the handshake, an event called error",
    proofs: {
      [FLOODS]: [
        "by a reset between its 101 and its first frame, or behind a bad one, costs nobody else anything",
        "by an event called error under fairlead.v1 is an unknown command, and nothing breaks off",
      ],
      [ATTACKS]: [
        "in the middle of the handshake leaves nothing behind",
        "together with its handshake, a hundred times, leaves nothing behind",
      ],
    },
  },
  {
    advisory:
      "socket.io-parser CVE-2022-2421, CVE-2023-32695, CVE-2020-36049, CVE-2026-33151, CVE-2026-69185, engine.io CVE-2020-36048",
    happened: "weak checks of types; 10^9 attachments announced",
    expected: "an error, 1008 after ten of them, no state made",
    proofs: {
      "test/wire/commands.test.ts": [
        "any text is a command or an error, and the error is fit to print",
        "any bytes are a command or an error, and the error is fit to print",
      ],
      "test/session-misuse.test.ts": [
        "end the connection with 1008 if ten come in a row, each answered before",
      ],
      "test/system/fuzz.test.ts": [
        "no input is a crash, a hang, an error of ours, or a status or code that is not documented",
      ],
    },
  },
  {
    advisory: "protobufjs CVE-2026-44291, CVE-2026-44292, CVE-2023-36665, CVE-2022-25878",
    happened: "prototypes changed by input; deep nesting",
    expected: "an error, or data like any other; `({}).x` stays undefined",
    proofs: {
      "test/attacks/prototypes.test.ts": [
        "as data of a publish is data: it comes back as it was, as an own key",
        "as a field, a topic, a key or a command changes nothing",
        "in a relay's envelope, or as a group, is text like any other",
        "in a path, a query or a header reaches nothing that was not configured",
        "of %s are an error, and 1008 the tenth time",
      ],
    },
  },
  {
    advisory: "uWebSockets CVE-2020-36406",
    happened: "a memory error in the topic tree under re-entrancy",
    expected: "100,000 steps inside the hooks: nothing thrown, every counter 0",
    proofs: {
      "test/attacks/re-entrancy.test.ts": [
        "channels and connections change under whoever walks over them, and every counter ends at 0",
        "commands that subscribe, publish, end and leave in one read, of many at once, leave nothing behind",
      ],
    },
  },
];
