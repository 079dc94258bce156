/** What a caller gives: values or functions, listeners, and bytes that stay the caller's. */

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

/** Who gives bytes may write over them afterwards. */
export function copyBytes(data: ArrayBufferLike | ArrayBufferView): Uint8Array<ArrayBuffer> {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice()
    : new Uint8Array(data).slice();
}
