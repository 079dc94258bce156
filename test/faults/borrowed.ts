/** Tests elsewhere that prove that something holds under a fault: file to (parts of) names. By the fault's number. */

export const BORROWED: Readonly<Record<number, Readonly<Record<string, readonly string[]>>>> = {
  7: {
    "test/attacks.test.ts": ["by RST or FIN %s is counted as 1006"],
    "test/attacks/deflate.test.ts": ["costs its own connection only, if it %s"],
  },
  8: {
    "test/attacks.test.ts": [
      "in the middle of the handshake leaves nothing behind",
      "together with its handshake, a hundred times, leaves nothing behind",
    ],
  },
  10: {
    "test/routes/bridge-ends.test.ts": [
      "a client that reads slowly gets everything, and may answer meanwhile",
      "the client can go on until it is silent for halfCloseTimeout",
      "and is gone altogether, the client gets what it said and 1000, if it says nothing itself",
    ],
    "test/system/bridge-resume.test.ts": ["64 MiB there and back come out exact over 200 cuts"],
  },
  11: { "test/attacks.test.ts": ["by RST or FIN %s is counted as 1006"] },
  12: {
    "test/routes/bridge.test.ts": [
      "is refused with 502 if the target refuses, and the log names the target",
      "is refused with 504 if the target does not answer within dialTimeout, and a late answer is cut",
      "is refused with 503 if dialPending dials are under way",
    ],
    "test/routes/bridge-ends.test.ts": ["the client gets what came before it, then 1014"],
  },
  14: {
    "test/system/memory.test.ts": [
      "sends and reads nothing: %s",
      "a bridge whose target sends 1 GiB, and then every byte arrives",
      "a room in which another one says 256 MiB; the others hear everything",
      "a feed with 256 MiB; the reader loses some and gets the newest",
      "an event stream of a feed with 256 MiB",
      "a relay whose partner sends 256 MiB; the partner is paused, and every message arrives",
      "a pipe with a stalled reader holds next to nothing of 128 MiB, and every message arrives",
    ],
  },
  15: { "test/system/slow-readers.test.ts": ["is not noticed by a thousand others"] },
  16: {
    "test/system/memory.test.ts": ["1 GiB goes through an echo whose client begins to read late"],
  },
  17: {
    "test/routes/bridge-ends.test.ts": ["with a reset while the gateway reads nothing of it"],
  },
  18: {
    "test/attacks.test.ts": ["50,000 empty and one-byte fragments make one message"],
    "test/system/memory.test.ts": ["four million empty fragments of one message"],
  },
  19: {
    "test/attacks.test.ts": [
      "60 pings in 10 s are answered, and the 61st closes with 1008",
      "10,000 pongs that nobody asked for are no messages",
      "ends the connection: frames behind it are ignored",
    ],
  },
  20: { "test/attacks.test.ts": ["invalid UTF-8 that drips in is found"] },
  21: {
    "test/attacks/deflate.test.ts": [
      "48 KiB that inflate to 50 MiB",
      "505 bytes that inflate to 500 KiB, where 64 KiB are allowed",
      "and a hundred of them leave the memory as it was",
      "costs its own connection only, if it %s",
    ],
    "test/runtime-deflate.test.ts": ["a stream that was cut as far as it goes, and says nothing"],
  },
  22: { "test/system/conformance.test.ts": ["is in every case what the case's file says"] },
  23: { "test/system/fuzz.test.ts": ["no input is a crash, a hang, an error of ours"] },
  24: { "test/system/fuzz.test.ts": ["no input is a crash, a hang, an error of ours"] },
  27: {
    "test/system/rolling-restart.test.ts": ["loses nothing, and repeats nothing"],
  },
  28: {
    "test/cli/run-gateway.test.ts": ["ends at once on a second signal, with 143"],
    "test/system/pty.test.ts": ["ends at once, with exit code 130, on a second Ctrl-C"],
  },
  31: {
    "test/engines/sqlite-failure.test.ts": ["who listens hears the new epoch"],
    "test/client/restart.test.ts": ["comes back to the next gateway, and tells that the history is gone"],
  },
  33: {
    "test/system/sqlite-kill.test.ts": ["keeps every answered message over %s commits"],
    "test/system/kills.test.ts": ["what is published happens once, where its answer says"],
  },
  34: {
    "test/system/sqlite-disk.test.ts": [
      "refuses with 503 while the disk is full, says so, keeps its readers",
      "ends with 1 and one line, if another gateway has the file open",
    ],
    "test/engines/sqlite-failure.test.ts": ["a file that cannot be read refuses what needs it, and recovers"],
  },
  39: {
    "test/engines/memory.test.ts": ["follows a wall clock that jumps within a second"],
    "test/engines/sqlite-restart.test.ts": ["if the wall clock was set back meanwhile"],
    "test/auth/claims.test.ts": [
      "exp counts up to the tolerance after it",
      "nbf and iat may lie ahead by the tolerance",
    ],
    "test/client/liveness.test.ts": ["is asked again, not given up, after the machine slept"],
  },
  41: {
    "test/system/memory-mark.test.ts": [
      "the readers who lag most are cut, new ones refused, and afterwards all is well again",
    ],
  },
  43: {
    "test/cli/run-gateway.test.ts": ["the port is in use", "the address is not of this machine"],
  },
  44: {
    "test/system/recording.test.ts": ["loses the recording and nothing else, says so"],
    "test/recording/recorder.test.ts": ["is warned of once a minute, and counted each time"],
  },
  45: {
    "test/cli/run-gateway.test.ts": ["goes on when nobody reads what it says, and still ends in order"],
  },
  47: {
    "test/listener-swap.test.ts": [
      "is what new handshakes get, and nothing is asked of who is connected",
      "does not lose who connected before and asks for a WebSocket only afterwards",
    ],
    "test/listener/watched-certificate.test.ts": [
      "where Kubernetes swaps the link above it",
      "has a certificate for the old key",
      "is served with a warning if there was no better one at the start",
      "is told once if it ends while the gateway runs",
    ],
    "test/system/tls.test.ts": ["a certificate that is replaced is served within 6 s"],
  },
  48: {
    "test/auth/remote-keys.test.ts": [
      "a new key counts, though its name was not known; the issuer is asked once for it",
      "made-up names ask the issuer no more than once in 30 s",
      "keys that were fetched go on to count, however long it takes",
      "it is given up after 5 s; who needs it waits so long and no longer",
      "%s: told, and no key comes of it",
    ],
  },
  51: {
    "test/system/soak.test.ts": [
      "what clients counted is what the gateway counted, and nothing is left behind",
    ],
  },
};
