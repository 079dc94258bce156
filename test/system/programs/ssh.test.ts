/** OpenSSH through `fairlead tunnel`: sessions and copies that do not notice that their link to the gateway is cut. */
import { expect, onTestFinished } from "bun:test";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { type Paths, requires } from "../../requires.ts";
import { noise, sha256 } from "../../routes/bridge-house.ts";
import { startProxy } from "../../tcp-proxy.ts";
import { closedTarget } from "../../tcp-service.ts";
import { project } from "../clone.ts";
import { serve } from "../one-liner.ts";
import { start, within } from "../program.ts";
import { startSshd } from "./sshd.ts";

const MIB = 1024 * 1024;
const SIZE = 8 * MIB;
/** Of scp, in kbit/s: a copy takes 2 s, so that there is a middle to cut it in. */
const SPEED = `${(SIZE / MIB) * 8 * 1024 * 0.5}`;
const withSsh = requires("node", "ssh", "scp", "sshd");

/** An sshd behind a bridge, a link to its gateway that can be cut, and the flags that lead there. */
async function house({ node, sshd }: Paths<"node" | "sshd">) {
  const server = await startSshd(sshd);
  const gateway = await serve("bridge", "--target", server.target);
  const port = Number(gateway.split(":")[1]);
  const link = await startProxy(port);
  onTestFinished(() => link[Symbol.dispose]());
  const launcher = join(project, "bin/fairlead.mjs");
  return {
    ...server,
    flags: server.flags(`'${node}' '${launcher}' tunnel -v - ws://${link.host}/`),
    link,
    /** Ends the link; none can be made until `mend`. */
    async cut() {
      const nowhere = await closedTarget();
      link.target = Number(nowhere.split(":")[1]);
      link.reset();
    },
    mend() {
      link.target = port;
    },
  };
}

const tick = () => new Promise<void>((resolve) => setTimeout(resolve, 1));

/** Looks until it is so; fails after 20 s. */
function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  const look = async () => {
    while (!isSo() && performance.now() < deadline) await tick();
  };
  return within(20, look(), () => what);
}

const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `line ${from + i}\n`).join("");

/** So many bytes, once the file has them. */
const size = (file: string, bytes: number) =>
  until(`${bytes} bytes in ${file}`, () => existsSync(file) && statSync(file).size >= bytes);

withSsh(
  "a session goes on where it was, and prints all of it, if its link is cut while it prints",
  async (paths) => {
    const { cwd, host, flags, link, cut, mend } = await house(paths);
    const [fifo, printed] = [join(cwd, "fifo"), join(cwd, "printed")];
    Bun.spawnSync(["mkfifo", fifo]);
    const says = await open(fifo, "r+");
    const [before, during, after] = [lines(0, 1_000), lines(1_000, 30_000), lines(30_000, 31_000)];
    const ssh = [paths.ssh, ...flags, host, `cat '${fifo}'; echo done; exit 7`];
    const session = start(["sh", "-c", 'exec "$@" >"$0"', printed, ...ssh], { cwd });
    await says.write(before);
    await size(printed, before.length);
    await cut();
    await says.write(during);
    await session.says(/trying again/);
    const tried = link.accepted;
    await until("three more tries while there is no link", () => link.accepted >= tried + 3);
    expect(statSync(printed).size).toBe(before.length);
    mend();
    await says.write(after);
    await says.close();
    expect(await session.ended(20)).toBe(7);
    expect(readFileSync(printed, "utf8")).toBe(`${before}${during}${after}done\n`);
    expect(session.output()).toContain("goes on");
  },
  60_000,
);

for (const way of ["there", "back"] as const) {
  withSsh(
    `8 MiB are the same on their way ${way} with scp, if the link is cut three times on the way`,
    async (paths) => {
      const { cwd, host, flags, link } = await house(paths);
      const [from, to] = [join(cwd, "from"), join(cwd, "to")];
      const bytes = noise(SIZE, 9);
      writeFileSync(from, bytes);
      const files = way === "there" ? [from, `${host}:${to}`] : [`${host}:${from}`, to];
      const copy = start([paths.scp, "-q", "-l", SPEED, ...flags, ...files], { cwd });
      for (const part of [1, 2, 3]) {
        await size(to, (part * SIZE) / 4);
        link.reset();
      }
      expect(await copy.ended(30)).toBe(0);
      expect(link.accepted).toBe(4);
      expect(sha256(readFileSync(to))).toBe(sha256(bytes));
    },
    60_000,
  );
}
