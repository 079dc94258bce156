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

/** As RFC 5952 section 4 writes it: lower case, no leading zeros, `::` for the first of the longest runs of zeros. An IPv4 end is two groups, too. */
export function textOfV6(bytes: readonly number[]): string {
  const groups = Array.from({ length: 8 }, (_, at) => (bytes[2 * at] ?? 0) * 256 + (bytes[2 * at + 1] ?? 0));
  const text = groups.map((group) => group.toString(16)).join(":");
  const runs = text.match(/\b0(?::0)+\b/g) ?? [];
  const longest = runs.reduce((one, other) => (other.length > one.length ? other : one), "");
  if (longest === "") return text;
  return text.replace(new RegExp(`(?:^|:)\\b${longest}\\b(?::|$)`), "::");
}
