/** What happens on the connection of `fairlead connect`, in one union: what is printed, and what --json writes. */

/** `in` came from the server, `out` was sent. */
export type Direction = "in" | "out";

export type ConnectEvent =
  | { readonly type: "open"; readonly direction: "in"; readonly url: string; readonly protocol: string }
  | { readonly type: "text"; readonly direction: Direction; readonly data: string }
  | { readonly type: "binary"; readonly direction: Direction; readonly data: Uint8Array }
  | {
      readonly type: "ping" | "pong";
      readonly direction: Direction;
      readonly data: Uint8Array;
      /** Milliseconds since our ping that this pong answers. */
      readonly rtt?: number;
    }
  | { readonly type: "close"; readonly direction: Direction; readonly code: number; readonly reason: string };
