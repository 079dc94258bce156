/** Tables of Markdown, for what scripts write into the docs. */

/** As the formatter of this project wants it: columns are padded. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${widths.map((width, column) => (row[column] ?? "").padEnd(width)).join(" | ")} |\n`;
  const rule = line(widths.map((width) => "-".repeat(width)));
  return [line(cells[0] ?? []), rule, ...cells.slice(1).map(line)].join("");
}

/** The same document with this text between `<!-- table NAME -->` and the `<!-- end -->` behind it. Throws where there is no such place. */
export function withTable(markdown: string, name: string, text: string): string {
  const place = new RegExp(`(<!-- table ${name} -->\\n)[\\s\\S]*?(<!-- end -->)`);
  if (!place.test(markdown))
    throw new Error(`there is no <!-- table ${name} --> ... <!-- end --> in the document`);
  return markdown.replace(place, (_, head: string, end: string) => `${head}\n${text}\n${end}`);
}
