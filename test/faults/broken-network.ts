/**
 * A network that loses, delays and narrows, by `tc` on the loopback of a namespace of its own; scripts/faults/network.ts makes it. Tests that
 * are run anywhere else skip themselves. What is broken is whole again when its test ends.
 */
import { onTestFinished, test } from "bun:test";
import { NETWORK } from "../../scripts/faults/network.ts";

/** A client that dials this address can be cut off alone; 127.0.0.1 stays near. */
export const FAR = "127.0.0.2";

/** Words of classic BPF at offsets from the Ethernet header: `ip src`, `ip dst`. A packet that is "shot" is gone. */
const DROP_FAR = [
  "32 0 0 26",
  "21 2 0 2130706434",
  "32 0 0 30",
  "21 0 1 2130706434",
  "6 0 0 2",
  "6 0 0 4294967295",
];

/** A random word above the threshold shoots the packet. */
const lossy = (share: number) => [
  "32 0 0 4294963256",
  `53 0 1 ${Math.round((1 - share) * 0xffffffff)}`,
  "6 0 0 2",
  "6 0 0 4294967295",
];

/** A test in the network of its own; skipped without one. */
export function inNetwork(name: string, body: () => Promise<void>): void {
  if (process.env[NETWORK] !== undefined) test(name, body);
  else {
    console.error(`skipped: ${name}: this machine makes no network namespace for it (unshare, ip, tc)`);
    test.skip(name, () => {});
  }
}

/** All packets from and to FAR vanish, until the function that it returns is called. */
export function cutOff(): () => void {
  return filter(DROP_FAR);
}

/** So much of all packets vanishes: 0.05 is 5 %. */
export function losePackets(share: number): void {
  filter(lossy(share));
}

/** Everything together goes through so many kilobits a second. */
export function narrow(kilobits: number): void {
  run(
    "tc",
    "qdisc",
    "add",
    "dev",
    "lo",
    "root",
    "tbf",
    "rate",
    `${kilobits}kbit`,
    "burst",
    "16kb",
    "latency",
    "200ms",
  );
  onTestFinished(() => run("tc", "qdisc", "del", "dev", "lo", "root"));
}

/** The kernel ends every TCP connection that FAR has. Answers how many sockets it found: one end often takes the other with it. */
export function killConnections(): number {
  const { stdout } = Bun.spawnSync(["ss", "-K", "-H", "-t", "src", FAR, "or", "dst", FAR]);
  return stdout
    .toString()
    .split("\n")
    .filter((line) => line.includes("ESTAB")).length;
}

function filter(code: readonly string[]): () => void {
  run("tc", "qdisc", "add", "dev", "lo", "clsact");
  const program = `${code.length},${code.join(",")}`;
  run("tc", "filter", "add", "dev", "lo", "ingress", "bpf", "bytecode", program, "direct-action");
  let isWhole = false;
  const mend = () => {
    if (!isWhole) run("tc", "qdisc", "del", "dev", "lo", "clsact");
    isWhole = true;
  };
  onTestFinished(mend);
  return mend;
}

function run(...command: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(command, { timeout: 5_000 });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr}`);
}
