/** Contract: the peers of a relay route, whoever keeps their groups: this process (`local-peers.ts`), or an engine for several (`shared/`). */
import type { Connection } from "../connection.ts";
import type { Identity } from "../identity.ts";
import type { RelaySums } from "../relays.ts";
import type { PlainVoice } from "./plain-voice.ts";
import type { V1Voice } from "./v1-voice.ts";

export interface RelayPeers {
  plain(connection: Connection): PlainVoice;
  v1(connection: Connection): V1Voice;
  stats(): RelaySums;
  /** As `Route.revoked`. */
  revoked(counts: (identity: Identity) => boolean): void;
  dispose(): Promise<void> | void;
}
