/** What an honest plain peer of a relay may say. */
import type { Chance } from "../chance.ts";
import type { Json } from "../mutate.ts";

export function envelopeOf(chance: Chance): Record<string, Json> {
  return {
    group_id: chance.pick(["g1", "g2", "g3"]),
    sender_type: chance.pick(["center", "local"]),
    receiver_type: chance.pick(["center", "local", "server", ""]),
    content: chance.pick(["hello", "", "你好", "x".repeat(1000)]),
    ...(chance.is(0.5) ? { message_type: chance.pick([null, "heartbeat", "disconnect", "text"]) } : {}),
  };
}
