/** Frames as PROTOCOL.md shows them: read, and written anew by the code of the server. */
import { splitFrame } from "../../src/wire/binary-frame.ts";
import type { Role } from "../../src/wire/envelope.ts";
import * as frames from "../../src/wire/frames.ts";
import type { Gap, PeerState, PlacedMessage, ReceiptState, Welcome, WireError } from "../../src/wire/v1.ts";
import { bytesOf } from "../vectors.ts";

export type Fields = Readonly<Record<string, unknown>>;

/** `[00 05] {...} [ff]` as bytes, anything else as it is. */
export function frameOf(text: string): string | Uint8Array {
  const [, length = "", header = "", payload = ""] =
    /^\[([\da-f ]+)\] (.*?)(?: \[([\da-f ]*)\])?$/.exec(text) ?? [];
  if (length === "") return text;
  return new Uint8Array([...bytesOf(length), ...new TextEncoder().encode(header), ...bytesOf(payload)]);
}

export function fieldsOf(text: string): Fields {
  const frame = frameOf(text);
  if (typeof frame === "string") return JSON.parse(frame);
  const split = splitFrame(frame);
  if (typeof split === "string") throw new Error(split);
  return { ...JSON.parse(split.header), data: split.payload };
}

/** What `data` or `base64` of a shown frame was published as. */
export function payloadOf({ data, base64 }: Fields) {
  if (typeof base64 === "string") return { data: Uint8Array.fromBase64(base64), json: false };
  if (data instanceof Uint8Array || typeof data === "string") return { data, json: false };
  return { data: JSON.stringify(data), json: true };
}

export const messageOf = (fields: Fields) =>
  ({ epoch: "x1", ...fields, ...payloadOf(fields) }) as PlacedMessage;

/** The frame written anew from the fields that the server has for it: what it does not have would be missing. */
export function rewritten(fields: Fields): frames.Frame {
  const { t, topic, conn, user, total } = fields;
  switch (t) {
    case "welcome":
      return frames.welcomeFrame(fields as Fields & Welcome);
    case "msg":
      return topic === undefined
        ? frames.echoFrame(payloadOf(fields), Number(fields["size"]), Number(fields["time"]))
        : frames.messageFrame(messageOf(fields));
    case "gap":
      return frames.gapFrame(fields as Fields & Gap);
    case "join":
    case "leave":
      return frames.presenceFrame(t, String(topic), String(conn), user as string | null, Number(total));
    case "count":
      return frames.countFrame(String(topic), Number(total));
    case "data":
      return frames.dataFrame(
        Number(fields["seq"]),
        fields["from"] as Role,
        payloadOf(fields),
        fields["type"] as string | undefined,
      );
    case "receipt":
      return frames.receiptFrame(
        Number(fields["seq"]),
        String(fields["idem"]),
        fields["state"] as ReceiptState,
      );
    case "peer":
      return peerFrame(fields);
    case "expiring":
      return frames.expiringFrame(Number(fields["at"]));
    case "drain":
      return frames.drainFrame(Number(fields["within"]), Number(fields["retry"]));
    case "err":
      return frames.errorFrame(fields["id"] as number | undefined, fields as Fields & WireError);
    default:
      throw new Error(`${t} is no event`);
  }
}

function peerFrame({ role, state, reason, info }: Fields): string {
  const told = info === undefined ? undefined : JSON.stringify(info);
  return frames.peerFrame(role as Role, state as PeerState, String(reason), told);
}
