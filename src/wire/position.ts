/**
 * A place in a topic's messages: the epoch and the offset of the last message one has. Pure.
 * As text, in URLs and as the id of an event stream, it is `EPOCH:OFFSET`.
 */
import type { Position } from "./v1.ts";

const EPOCH = /^[A-Za-z0-9_-]{1,32}$/;
const OFFSET = /^\d{1,16}$/;

export function isEpoch(value: unknown): value is string {
  return typeof value === "string" && EPOCH.test(value);
}

export function isOffset(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

export function positionText({ epoch, offset }: Position): string {
  return `${epoch}:${offset}`;
}

/** Undefined: the text is no position. */
export function parsePosition(text: string): Position | undefined {
  const [epoch, digits = "", ...rest] = text.split(":", 3);
  const offset = OFFSET.test(digits) ? Number(digits) : undefined;
  return rest.length === 0 && isEpoch(epoch) && isOffset(offset) ? { epoch, offset } : undefined;
}
