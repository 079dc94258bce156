/**
 * Server-sent events as text (WHATWG HTML, section 9.2). Pure; the stream around it belongs to the feed route.
 * A line break in `data`, of any of the three kinds, becomes a new `data:` line, so data can never begin a field of its own.
 * Limit of the format: a reader sees every line break as `\n`. JSON, which escapes them, arrives as it was.
 */
export interface SseEvent {
  /** The reader's position; a browser sends it back as `Last-Event-ID`. Absent: it stays where it was. */
  readonly id?: { readonly epoch: string; readonly offset: number };
  /** Absent: the browser's `message` event. From code, never from users: one with a line break is a TypeError. */
  readonly event?: string;
  readonly data: string;
}

const BREAK = /\r\n|\r|\n/;
const lines = (label: string, text: string) => text.split(BREAK).map((line) => `${label} ${line}\n`);

/** One event, blank line included. */
export function encodeEvent({ id, event, data }: SseEvent): string {
  if (event !== undefined && BREAK.test(event))
    throw new TypeError(`event name ${JSON.stringify(event)} has a line break; give a name of one line`);
  const name = event === undefined ? "" : `event: ${event}\n`;
  const position = id === undefined ? "" : `id: ${id.epoch}:${id.offset}\n`;
  return `${position}${name}${lines("data:", data).join("")}\n`;
}

/** A line that readers ignore, and proxies count as life. */
export function comment(text = ""): string {
  return `${lines(":", text).join("")}\n`;
}
