/**
 * The relay's envelope for plain clients: one JSON object with five fields, and the texts the server itself says in it. Pure.
 *
 * Wire: `{"group_id","sender_type","receiver_type","content","message_type"}`, in this order in everything we write.
 * Limits: 32 levels of nesting, a group of 1 to 255 bytes. Failure: a `Problem`, never an exception.
 */
import { MAX_JSON_DEPTH, nestsDeeper } from "./json-depth.ts";
import { shown } from "./shown.ts";
import { isLongerThan } from "./utf8.ts";

export type Role = "center" | "local";

/** What a client says. `message_type` may be absent. Other fields may stand beside these and are never read. */
export interface Envelope {
  readonly group_id: string;
  readonly sender_type: string;
  readonly receiver_type: string;
  readonly content: string;
  readonly message_type?: string | null;
}

/** Where a connection belongs. */
export interface Registration {
  readonly group: string;
  readonly role: Role;
}

/** Why a text is not an envelope, or not one that can register. `received` is safe to show: bounded, and no raw input. */
export type Problem =
  | { readonly is: "not-json" }
  | { readonly is: "too-deep" }
  | { readonly is: "not-object"; readonly received: string }
  | { readonly is: "bad-field"; readonly field: string; readonly received: string }
  | { readonly is: "bad-role"; readonly received: string }
  | { readonly is: "bad-group"; readonly bytes: number };

/** Text fields every envelope has. */
const TEXT_FIELDS = ["group_id", "sender_type", "receiver_type", "content"] as const;
/** As topics: long enough for any id, short enough to repeat in each message. */
export const MAX_GROUP_BYTES = 255;

const utf8 = new TextEncoder();

/** Reads one text message. Costs at most one scan and one parse of it. */
export function parseEnvelope(text: string): { readonly envelope: Envelope } | { readonly problem: Problem } {
  if (nestsDeeper(text)) return { problem: { is: "too-deep" } };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own text quotes the input, so it stays here.
    return { problem: { is: "not-json" } };
  }
  return isEnvelope(value) ? { envelope: value } : { problem: problemOf(value) };
}

/** Where a first message registers, or why it cannot. */
export function parseRegistration(envelope: Envelope): Registration | { readonly problem: Problem } {
  const { group_id: group, sender_type: role } = envelope;
  if (role !== "center" && role !== "local") return { problem: { is: "bad-role", received: shown(role) } };
  if (isGroup(group)) return { group, role };
  // Longer in UTF-16 units is longer in bytes: a huge group is refused without encoding it.
  const bytes = group.length > MAX_GROUP_BYTES ? group.length : utf8.encode(group).length;
  return { problem: { is: "bad-group", bytes } };
}

/** Whether a text can name a group: 1 to 255 bytes of UTF-8 without control characters. */
export function isGroup(text: string): boolean {
  return text !== "" && !isLongerThan(text, MAX_GROUP_BYTES) && text.isWellFormed() && !/\p{Cc}/u.test(text);
}

export function otherRole(role: Role): Role {
  return role === "center" ? "local" : "center";
}

/**
 * The constant start of every envelope with these three fields. What follows is `endEnvelope`: a sender's messages differ
 * only in there, so the start is written once per connection.
 */
export function startEnvelope(group: string, sender: Role | "server", receiver: Role | ""): string {
  return `{"group_id":${JSON.stringify(group)},"sender_type":"${sender}","receiver_type":"${receiver}","content":`;
}

/** The rest of an envelope. An absent `type` is written as null, as the seed's clients expect all five fields. */
export function endEnvelope(content: string, type: string | null | undefined): string {
  return typeof type === "string"
    ? `${JSON.stringify(content)},"message_type":${JSON.stringify(type)}}`
    : `${JSON.stringify(content)},"message_type":null}`;
}

function isEnvelope(value: unknown): value is Envelope {
  if (typeof value !== "object" || value === null) return false;
  const { group_id, sender_type, receiver_type, content, message_type } = value as Partial<
    Record<keyof Envelope, unknown>
  >;
  return (
    typeof group_id === "string" &&
    typeof sender_type === "string" &&
    typeof receiver_type === "string" &&
    typeof content === "string" &&
    (typeof message_type === "string" || message_type === null || message_type === undefined)
  );
}

/** Names the first thing wrong with a value that is not an envelope. */
function problemOf(value: unknown): Problem {
  if (typeOf(value) !== "object") return { is: "not-object", received: typeOf(value) };
  const fields = value as Readonly<Record<string, unknown>>;
  const field = TEXT_FIELDS.find((name) => typeof fields[name] !== "string") ?? "message_type";
  return { is: "bad-field", field, received: typeOf(fields[field]) };
}

/** The type in JSON's words. */
function typeOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

export type Language = "zh" | "en";

/** What the server says, in one language. Chinese is the seed's own wording, byte for byte. */
export interface Phrases {
  connected(id: string): string;
  readonly rejected: string;
  online(role: Role): string;
  offline(role: Role): string;
  readonly heartbeat: string;
  readonly sent: string;
  problem(problem: Problem): string;
}

const FIELDS = `{${TEXT_FIELDS.join(", ")}, message_type}`;

export const PHRASES: Readonly<Record<Language, Phrases>> = {
  zh: {
    connected: (id) => `连接成功，您的ID是: ${id}`,
    rejected: "连接被拒绝：同组内已存在相同类型的客户端",
    online: (role) => `${role}已上线连接`,
    offline: (role) => `${role}已断开连接`,
    heartbeat: "心跳确认",
    sent: "消息已发送",
    problem: describeInChinese,
  },
  en: {
    connected: (id) => `Connected, your ID is: ${id}`,
    rejected: "Connection refused: the group already has a client of this type",
    online: (role) => `${role} is online`,
    offline: (role) => `${role} has disconnected`,
    heartbeat: "Heartbeat confirmed",
    sent: "Message sent",
    problem: describeInEnglish,
  },
};

function describeInEnglish(problem: Problem): string {
  switch (problem.is) {
    case "not-json":
      return `not JSON: expected an object ${FIELDS}`;
    case "too-deep":
      return `JSON nested too deep: expected at most ${MAX_JSON_DEPTH} levels`;
    case "not-object":
      return `not an envelope: expected an object ${FIELDS}, received ${problem.received}`;
    case "bad-field":
      return `${problem.field}: expected ${typeExpected(problem.field, " or ")}, received ${problem.received}`;
    case "bad-role":
      return `sender_type: expected center or local, received ${problem.received}`;
    case "bad-group":
      return `group_id: expected 1 to ${MAX_GROUP_BYTES} bytes of text without control characters, received ${problem.bytes} bytes`;
  }
}

function describeInChinese(problem: Problem): string {
  switch (problem.is) {
    case "not-json":
      return `不是JSON：应为对象 ${FIELDS}`;
    case "too-deep":
      return `JSON嵌套过深：最多${MAX_JSON_DEPTH}层`;
    case "not-object":
      return `消息格式错误：应为对象 ${FIELDS}，收到 ${problem.received}`;
    case "bad-field":
      return `${problem.field}：应为 ${typeExpected(problem.field, " 或 ")}，收到 ${problem.received}`;
    case "bad-role":
      return `sender_type：应为 center 或 local，收到 ${problem.received}`;
    case "bad-group":
      return `group_id：应为1到${MAX_GROUP_BYTES}字节且不含控制字符的文本，收到 ${problem.bytes} 字节`;
  }
}

function typeExpected(field: string, or: string): string {
  return field === "message_type" ? `string${or}null` : "string";
}
