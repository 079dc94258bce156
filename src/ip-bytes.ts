/** Addresses as protocols carry them, in network byte order. Pure. What is given MUST be an address of that family, without a zone. */

export function bytesOfV4(address: string): number[] {
  return address.split(".").map(Number);
}

/** A dotted end, `::ffff:192.0.2.1`, is two groups; `::` stands for as many zeros as are missing. */
export function bytesOfV6(address: string): number[] {
  const hex = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [head = "", tail] = hex.split("::");
  const [before, after] = [groupsOf(head), groupsOf(tail ?? "")];
  const middle = Array<number>(8 - before.length - after.length).fill(0);
  return [...before, ...middle, ...after].flatMap((group) => [group >> 8, group & 0xff]);
}

function groupsOf(text: string): number[] {
  return text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
}
