/** Where a plain peer sits, with the texts that it is told there again and again, made once. Pure. */
import { endEnvelope, otherRole, type Phrases, type Registration, startEnvelope } from "../wire/envelope.ts";

export interface Place extends Registration {
  readonly fromServer: string;
  readonly fromPartner: string;
  readonly toPartner: string;
  readonly sent: string;
  readonly heartbeat: string;
}

/** The place as its client is told of it. */
export function placeOf({ group, role }: Registration, phrases: Phrases): Place {
  const fromServer = startEnvelope(group, "server", role);
  return {
    group,
    role,
    fromServer,
    fromPartner: startEnvelope(group, otherRole(role), role),
    toPartner: startEnvelope(group, role, otherRole(role)),
    sent: fromServer + endEnvelope(phrases.sent, null),
    heartbeat: fromServer + endEnvelope(phrases.heartbeat, "heartbeat"),
  };
}
