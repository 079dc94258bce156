// Bare relay: parse, look up, overwrite, stringify, send, confirm. No rejections, no timeouts.
import { frames, http } from "./options.ts";

type Role = "center" | "local";
interface Ws extends Bun.ServerWebSocket<{ group?: Map<Role, Ws>; group_id: string; sender_type: Role }> {}
const groups = new Map<string, Map<Role, Ws>>();
const other = { center: "local", local: "center" } as const;
function say(ws: Ws, content: string, message_type: string | null = null): void {
  const { group_id, sender_type: receiver_type } = ws.data;
  ws.send(JSON.stringify({ group_id, sender_type: "server", receiver_type, content, message_type }));
}
function join(ws: Ws, group_id: string, sender_type: Role): void {
  const group = (groups.get(group_id) ?? new Map<Role, Ws>()).set(sender_type, ws);
  groups.set(group_id, group);
  ws.data = { group, group_id, sender_type };
  say(ws, `连接成功，您的ID是: ${crypto.randomUUID()}`);
  for (const peer of group.values()) if (peer !== ws) say(peer, `${sender_type}已上线连接`, "connect");
}
function message(ws: Ws, text: string | Buffer): void {
  const m = JSON.parse(String(text));
  const message_type = m.message_type ?? null;
  const { group, group_id, sender_type } = ws.data;
  if (group === undefined) return void join(ws, m.group_id, m.sender_type);
  const receiver_type: Role = m.receiver_type in other ? m.receiver_type : other[sender_type];
  const partner = receiver_type === sender_type ? undefined : group.get(receiver_type);
  partner?.send(JSON.stringify({ group_id, sender_type, receiver_type, content: m.content, message_type }));
  if (partner !== undefined) say(ws, "消息已发送");
}
const fetch = (r: Request, self: Bun.Server<Ws["data"]>) => void self.upgrade(r, { data: {} as Ws["data"] });
Bun.serve({ ...http, fetch, websocket: { ...frames, message } });
