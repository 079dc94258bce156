/** `fairlead tunnel` as its users start it: how a program that speaks TCP comes to a bridge. */
import { project } from "../clone.ts";
import { start } from "../program.ts";

/** A tunnel to the bridge at `url`, until the test ends; resolves with its port on 127.0.0.1. */
export async function tunnel(url: string): Promise<string> {
  const program = start(["node", "bin/fairlead.mjs", "tunnel", "0", url], { cwd: project });
  const [, port = ""] = await program.says(/127\.0\.0\.1:(\d+) leads to/);
  return port;
}
