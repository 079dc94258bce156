/**
 * A network of their own for tests that break it: the loopback of a namespace, which no other process sees, and a name server that tests play. Needs
 * Linux, `unshare`, `ip`, `tc` and `mount`, and the right to make user namespaces or to be root; where it cannot be made, the tests run without it and skip themselves.
 */

/** Whom names are asked of in there. Nobody listens, unless a test does. */
export const NAME_SERVER = "127.0.0.3";

/** Set where there is such a network: the tests look at it. */
export const NETWORK = "FAIRLEAD_FAULTS_NETWORK";

const UP = [
  "ip link set lo mtu 1500 up",
  "tc qdisc add dev lo clsact",
  "tc qdisc del dev lo clsact",
  "mount -t tmpfs tmpfs /media",
  `printf "nameserver ${NAME_SERVER}\\noptions timeout:10 attempts:1\\n" >/media/resolv.conf`,
  "mount --bind /media/resolv.conf /etc/resolv.conf",
].join(" && ");

/** The command, inside a network of its own if there can be one. */
export function networkCommand(command: readonly string[]): string[] {
  if (!hasNetwork()) return [...command];
  return inNamespace(`${UP} && exec env ${NETWORK}=1 "$0" "$@"`, command);
}

function hasNetwork(): boolean {
  if (process.platform !== "linux" || Bun.which("unshare") === null) return false;
  const probe = inNamespace(UP, []);
  return Bun.spawnSync(probe, { stdio: ["ignore", "ignore", "ignore"], timeout: 10_000 }).exitCode === 0;
}

function inNamespace(script: string, args: readonly string[]): string[] {
  return ["unshare", "--map-root-user", "--net", "--mount", "sh", "-c", script, ...args];
}
