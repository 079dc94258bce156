/** The texts of `--help`. */
import type { Command } from "./command.ts";
import type { FlagGroup } from "./flags.ts";
import { align } from "./try-lines.ts";

const WIDTH = 100;

export function generalHelp(commands: readonly Command[]): string {
  return [
    "Usage: fairlead [verb] [options]",
    "",
    "One realtime gateway: echo, room, feed, relay and bridge over WebSocket, on one port, from one process to many nodes.",
    "",
    "Verbs:",
    ...align(commands.map(({ name, summary }) => [`  ${name}`, summary])),
    "",
    "fairlead VERB --help shows its options and examples; --version shows the version.",
  ].join("\n");
}

export function commandHelp(command: Command): string {
  const form = ["fairlead", command.name, command.operands, "[options]"].filter((part) => part !== "");
  return [
    `Usage: ${form.join(" ")}`,
    "",
    `${command.summary.charAt(0).toUpperCase()}${command.summary.slice(1)}.`,
    ...command.notes,
    ...flagLines("Options of the route", command, "route"),
    ...flagLines("Flags of websockify", command, "websockify"),
    ...flagLines("Options of the gateway", command, "gateway"),
    ...flagLines("Options of the client", command, "client"),
    ...flagLines("Options of the token", command, "token"),
    ...flagLines("Options of the handshake", command, "handshake"),
    "",
    "Examples:",
    ...align(command.examples.map(([line, remark]) => [`  ${line}`, `# ${remark}`])),
  ].join("\n");
}

function flagLines(title: string, { flags }: Command, group: FlagGroup): string[] {
  const listed = flags.filter((flag) => flag.group === group);
  if (listed.length === 0) return [];
  const names = listed.map(({ name, short, placeholder }) =>
    [
      short === undefined ? "" : `-${short}, `,
      `--${name}`,
      placeholder === undefined ? "" : ` ${placeholder}`,
    ].join(""),
  );
  const indent = Math.min(Math.max(...names.map((name) => name.length)), 30) + 4;
  const lines = listed.flatMap(({ help }, index) => entry(names[index] ?? "", help, indent));
  return ["", `${title}:`, ...lines];
}

/** A name too long for its column has the text begin on the next line. */
function entry(name: string, help: string, indent: number): string[] {
  const [first = "", ...rest] = wrap(help, WIDTH - indent);
  const pad = " ".repeat(indent);
  const head = `  ${name}`;
  const top = head.length + 2 > indent ? [head, pad + first] : [head.padEnd(indent) + first];
  return [...top, ...rest.map((line) => pad + line)];
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}
