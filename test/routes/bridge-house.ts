/** A bridge in a real gateway, its target in the test's hands, and what tests do with a raw client of it. */
import { createHash } from "node:crypto";
import type { ConfigInput } from "../../src/config/schema.ts";
import type { GatewayParts } from "../../src/gateway.ts";
import { eventually, expectNextIsServed } from "../calm.ts";
import { startGateway, type TestGateway } from "../gateway.ts";
import { frame, OPCODE, type RawClient, type ServerFrame, upgrade } from "../raw-client.ts";
import { startService, type TcpPeer, type TcpService } from "../tcp-service.ts";

type Routes = NonNullable<ConfigInput["routes"]>;
export type BridgeInput = Partial<Extract<Routes[string], { kind: "bridge" }>>;

export interface BridgeHouse extends AsyncDisposable {
  readonly gateway: TestGateway;
  readonly service: TcpService;
  /** A client and the service's end of its bridge. */
  join(protocols?: string): Promise<{ client: RawClient; peer: TcpPeer }>;
  /** After the test's own clients have gone: the next one is served, no connection and no descriptor is left. */
  expectCalm(): Promise<void>;
}

export interface HouseOptions {
  readonly serve?: (peer: TcpPeer) => void;
  readonly config?: Omit<ConfigInput, "routes">;
  readonly parts?: GatewayParts;
}

/** On `/bridge`; `/echo` is there to see that others are served. */
export async function bridgeHouse(
  options: BridgeInput = {},
  { serve, config, parts }: HouseOptions = {},
): Promise<BridgeHouse> {
  const service = await startService(serve);
  const gateway = await startGateway(
    {
      "/bridge": { kind: "bridge", target: service.target, ...options },
      "/echo": { kind: "echo", welcome: false },
    },
    config,
    parts,
  );
  return {
    gateway,
    service,
    async join(protocols) {
      const headers = protocols === undefined ? {} : { "Sec-WebSocket-Protocol": protocols };
      const client = await upgrade(gateway.host, { path: "/bridge", headers });
      return { client, peer: await service.next() };
    },
    async expectCalm() {
      await expectNextIsServed(gateway);
      await eventually("every descriptor is back", async () => {
        const used = await gateway.metric("fairlead_descriptors_used");
        return used === 0 && (await gateway.metric('fairlead_connections{route="/bridge"}')) === 0;
      });
    },
    async [Symbol.asyncDispose]() {
      service[Symbol.dispose]();
      await gateway.gateway.stop();
    },
  };
}

export const binary = (payload: string | Uint8Array) => frame(payload, { opcode: OPCODE.binary });

/** The next frame with content; pings are passed over. */
export async function nextData(client: RawClient): Promise<ServerFrame> {
  for (;;) {
    const next = await client.next();
    if (next.opcode !== OPCODE.ping) return next;
  }
}

/** The next so many bytes, all in binary messages. */
export async function readBytes(client: RawClient, count: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let got = 0; got < count; ) {
    const { opcode, payload } = await nextData(client);
    if (opcode !== OPCODE.binary)
      throw new Error(`opcode ${opcode} after ${got} of ${count} bytes: ${payload}`);
    got += payload.length;
    parts.push(payload);
  }
  return Buffer.concat(parts);
}

/** Everything up to the close frame, and its code. */
export async function readToEnd(client: RawClient): Promise<{ bytes: Buffer; code: number }> {
  const parts: Buffer[] = [];
  for (;;) {
    const { opcode, payload } = await nextData(client);
    if (opcode === OPCODE.close) return { bytes: Buffer.concat(parts), code: payload.readUInt16BE(0) };
    parts.push(payload);
  }
}

export const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** Bytes that differ wherever one looks, so that a block that is lost, doubled or overwritten changes the hash. */
export function noise(size: number, seed = 1): Buffer {
  const words = new Uint32Array(Math.ceil(size / 4));
  let state = seed;
  for (let i = 0; i < words.length; i += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words[i] = state;
  }
  return Buffer.from(words.buffer, 0, size);
}

const ODD_SIZES = [1, 7, 125, 126, 1_000, 4_093, 65_535, 65_537, 200_003, 524_287, 524_289, 1_048_576];

/** The same bytes in pieces of odd sizes, among them the borders of frames and of the gateway's own buffers. */
export function* oddPieces(whole: Buffer): Generator<Buffer> {
  for (let [at, turn] = [0, 0]; at < whole.length; turn += 1) {
    const piece = whole.subarray(at, at + (ODD_SIZES[turn % ODD_SIZES.length] ?? 1));
    at += piece.length;
    yield piece;
  }
}
