/** The part of the `ws` package that the loops use; the package brings no types. */
import type { Buffer } from "node:buffer";

export interface Peer {
  readonly bufferedAmount: number;
  readonly isPaused: boolean;
  send(data: string | Buffer, options?: { binary?: boolean }, sent?: () => void): void;
  pause(): void;
  resume(): void;
  close(code?: number): void;
  on(event: "message", hear: (data: Buffer, binary: boolean) => void): void;
  on(event: "close" | "error", hear: () => void): void;
}

export const port: number;
export const targetPort: number;
export function serve(accept: (ws: Peer, path: string) => void): void;
