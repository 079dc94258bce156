/** A table as the formatter of this project wants it: columns are padded. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${widths.map((width, column) => (row[column] ?? "").padEnd(width)).join(" | ")} |\n`;
  const rule = line(widths.map((width) => "-".repeat(width)));
  return [line(cells[0] ?? []), rule, ...cells.slice(1).map(line)].join("");
}
