/**
 * The faults that a gateway on the internet meets, and what must hold under each. `npm run faults` runs the tests that prove
 * it: those of this folder whose names begin with the fault's number, and those of `borrowed.ts`.
 */

/** What a fault may not break. */
export const INVARIANTS = {
  L: "nothing acknowledged is lost, or the client is told of the gap",
  O: "order per topic",
  E: "a clear error: close code, reason, log line, counter",
  B: "memory is bounded",
  R: "recovers without help, with jitter",
  I: "other clients are unaffected",
} as const;

export interface Fault {
  readonly number: number;
  readonly fault: string;
  /** How it is injected here. */
  readonly how: string;
  /** Letters of INVARIANTS. */
  readonly holds: string;
  /** Why there is nothing to test yet. */
  readonly notBuilt?: string;
}

const list: Fault[] = [];

function fault(number: number, name: string, how: string, holds: string): void {
  list.push({ number, fault: name, how, holds });
}

function later(number: number, name: string, holds: string, notBuilt: string): void {
  list.push({ number, fault: name, how: "", holds, notBuilt });
}

fault(1, "client vanishes without FIN", "all packets of its address dropped, both ways", "E R");
fault(2, "half-open, seen from the client", "the same, looked at from the library", "L O R");
fault(3, "outage of 3 s", "packets dropped, then not", "L O");
fault(4, "5 % random loss", "packets dropped by chance", "L O");
fault(5, "narrow link", "1 Mbit/s by `tc tbf`", "B O");
fault(6, "latency of 200 ms ± 100", "a proxy that delays", "O");
fault(7, "RST mid-frame", "raw client, after parts of head and payload, mid-message, mid-deflate", "E");
fault(8, "RST during the upgrade or right after 101", "raw client, at every part of the handshake", "E");
fault(9, "connection killed by the kernel", "`ss -K`", "L O R");
fault(10, "half-close by a bridge's target", "target ends while it still reads", "L O E");
fault(11, "half-close by the client", "FIN, goes on reading", "E");
fault(
  12,
  "target refuses, is unroutable, breaks",
  "closed port, a dial that is held, a name server that says nothing, reset",
  "E B",
);
fault(13, "target never reads", "SIGSTOP, then SIGCONT", "L B R");
fault(14, "client never reads, all five kinds", "raw socket that is paused", "B I E");
fault(15, "one slow reader among 1,000 fast", "a proxy of 16 KiB/s", "I");
fault(16, "sender never reads its echo", "raw socket that is paused", "B");
fault(17, "a connection that is paused dies", "FIN, RST and silence while the gateway does not read", "E B");
fault(18, "fragment flood, empty fragments", "raw frames, four million of them", "B I");
fault(19, "flood of pings, pongs, closes", "raw frames", "B E");
fault(20, "invalid UTF-8 over fragments and segments", "raw, a byte per write", "E");
fault(21, "deflate bomb, corrupt deflate, missing tail", "raw frames", "E B");
fault(22, "framing, case by case", "the groups of the Autobahn suite, ported", "E");
fault(
  23,
  "random bytes after 101, mutated frames",
  "seeded fuzzer, ten seconds here; `npm run fuzz` for longer",
  "E",
);
fault(24, "mutated handshakes", "the same", "E");
fault(25, "SIGKILL of one gateway of three", "readers, members and publishers at each", "L O R");
fault(
  26,
  "a process stopped for a while",
  "SIGSTOP, SIGCONT; of one process, and of one node of three",
  "L O R",
);
fault(
  27,
  "SIGTERM under load",
  "300 clients, publishers that go on; three nodes one after the other",
  "L O E R",
);
fault(28, "second SIGTERM or SIGINT", "signals, a terminal's Ctrl-C", "E");
fault(29, "Redis killed and back", "SIGKILL, with and without a file that it keeps", "L E R");
fault(30, "Redis stopped", "SIGSTOP for 5 s, publishes in thousands", "E B");
fault(
  31,
  "engine loses its data",
  "the file removed between two runs, overwritten during one; FLUSHALL",
  "L E",
);
fault(32, "Redis cuts a slow node", "`client-output-buffer-limit`, a proxy that does not read, 32 MB", "L R");
fault(33, "gateway killed while it writes sqlite", "SIGKILL at random in a write loop", "L O");
fault(
  34,
  "sqlite file locked, unreadable, disk full",
  "second process, damaged file, limit of file size",
  "E R",
);
fault(35, "partition between node and Redis", "a proxy whose links say nothing any more", "L E R");
fault(36, "partition between gateways", "the same: all that they say to each other goes through Redis", "R");
fault(37, "duplicated or reordered engine messages", "a proxy that shuffles, doubles and loses them", "L O");
fault(38, "mass reconnect", "1,500 sessions, SIGKILL, new process", "R L");
fault(39, "wall clock jumps", "a clock of the test's own: both engines, claims of tokens", "E");
fault(40, "event loop blocked for 2 s", "SIGSTOP, SIGCONT among 300 clients", "I E");
fault(
  41,
  "memory mark reached",
  "stalled readers of big rooms, in a control group where one can be made",
  "B E R",
);
fault(42, "descriptors exhausted", "`prlimit --nofile=128`, WebSockets and silent sockets", "E R");
fault(43, "port in use, privileged, bad address", "second instance, port 80 as nobody", "E");
fault(44, "disk full for log or recording", "`/dev/full`, limit of file size", "E");
fault(45, "stdout closed or slow", "a pipe that is closed, one that nobody reads", "I");
later(46, "config invalid on reload", "E", "there is no reload");
fault(47, "certificate rotated, expired, wrong key", "files swapped by rename and by link", "E I");
fault(48, "keys of tokens unreachable, slow, huge, rotated", "a server of the test's own", "E B");
fault(
  49,
  "one of several processes on the port dies",
  "SIGKILL of one of four workers under load, again and again",
  "R I",
);
fault(
  50,
  "browser tab frozen, machine asleep",
  "page lifecycle, offline emulation, SIGSTOP of the browser's processes",
  "L O R",
);
fault(51, "soak", "2,000 clients that come and go, all five kinds; here 200 of them", "L O B");

export const FAULTS: readonly Fault[] = list;
