// relay on the `ws` package: the same steps as bare/relay.ts.
import { serve } from "./serve.mjs";

/** @type {Map<string, Map<string, import("./serve.mjs").Peer>>} */
const groups = new Map();

/** @param {string} role */
const other = (role) => (role === "center" ? "local" : "center");

serve((ws) => {
  let [group_id, sender_type] = ["", ""];
  /** @type {(to: import("./serve.mjs").Peer, receiver_type: string, content: string, message_type?: string) => void} */
  const say = (to, receiver_type, content, message_type) => {
    const message = {
      group_id,
      sender_type: "server",
      receiver_type,
      content,
      message_type: message_type ?? null,
    };
    to.send(JSON.stringify(message));
  };
  const join = () => {
    const group = (groups.get(group_id) ?? new Map()).set(sender_type, ws);
    groups.set(group_id, group);
    say(ws, sender_type, `连接成功，您的ID是: ${crypto.randomUUID()}`);
    const partner = group.get(other(sender_type));
    if (partner) say(partner, other(sender_type), `${sender_type}已上线连接`, "connect");
    return group;
  };
  /** @type {Map<string, import("./serve.mjs").Peer> | undefined} */
  let group;
  ws.on("message", (data) => {
    const m = JSON.parse(String(data));
    if (group === undefined) {
      ({ group_id, sender_type } = m);
      group = join();
      return;
    }
    const known = m.receiver_type === "center" || m.receiver_type === "local";
    const receiver_type = known ? m.receiver_type : other(sender_type);
    const partner = receiver_type === sender_type ? undefined : group.get(receiver_type);
    if (partner === undefined) return;
    const { content, message_type = null } = m;
    partner.send(JSON.stringify({ group_id, sender_type, receiver_type, content, message_type }));
    say(ws, sender_type, "消息已发送");
  });
  ws.on("error", () => {});
});
