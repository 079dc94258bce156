/** What a caller gives: values or functions, listeners, and data that stays the caller's. */

/** A value, or a function that gives it: asked anew for each attempt, so that it can bring a fresh token. A throw is a failed attempt. */
export type Asked<T> = T | (() => T | Promise<T>);

export function asked<T extends string | string[] | URL>(from: Asked<T>): T | Promise<T> {
  return typeof from === "function" ? from() : from;
}

/** Calls a listener. One that throws is its owner's fault: reported as uncaught, as with events, and nobody else is harmed. */
export function tell<T>(listener: (value: T) => void, value: T): void {
  try {
    listener(value);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

/** Bytes as they go over the wire: a string in UTF-8. */
export function sizeOf(data: string | { readonly byteLength: number }): number {
  return typeof data === "string" ? new TextEncoder().encode(data).length : data.byteLength;
}

/** 128 bits: no two messages ever share them. */
export function random(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join("-");
}

/** A copy of the bytes, as who gives them may write over them afterwards; undefined where `data` holds none. Not every page has shared memory. */
export function copyBytes(data: unknown): Uint8Array<ArrayBuffer> | undefined {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  const isShared = typeof SharedArrayBuffer !== "undefined" && data instanceof SharedArrayBuffer;
  return isShared || data instanceof ArrayBuffer ? new Uint8Array(data).slice() : undefined;
}
