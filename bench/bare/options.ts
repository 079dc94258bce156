/** What every bare loop gives the runtime: the same as Fairlead, so that only the work in between differs. */
const hostname = "127.0.0.1";

export const http = { hostname, port: Number(Bun.argv[2]), development: false, idleTimeout: 10 } as const;

/** The TCP service behind a bridge. */
export const target = { hostname, port: Number(Bun.argv[3]) } as const;

export const frames = {
  maxPayloadLength: 1024 * 1024,
  backpressureLimit: 64 * 1024 * 1024,
  idleTimeout: 0,
  sendPings: false,
  perMessageDeflate: false,
} as const;
