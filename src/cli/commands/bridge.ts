/** `fairlead bridge [listen] [target]`: a TCP service for browsers, at the paths that clients of its kind ask for. */
import type { ConfigInput } from "../../config/schema.ts";
import { shortcut } from "../flags.ts";
import { oneLiner } from "../one-liner.ts";
import {
  REFUSED_FLAGS,
  WEBSOCKIFY_FLAGS,
  websockifyLifetime,
  websockifySettings,
} from "../websockify-flags.ts";

const route = { kind: "bridge", target: "127.0.0.1:9000" } as const;
const preset: ConfigInput = {
  listen: { port: 8080 },
  routes: { "/": route, "/ws": route, "/ws/": route, "/websockify": route },
};

export const command = oneLiner({
  kind: "bridge",
  summary: "a WebSocket joined to a TCP service, byte for byte",
  preset,
  takesTarget: true,
  shortcuts: [
    shortcut(preset, "text", "framing", "text", "TCP bytes become text messages (--framing text)"),
    shortcut(preset, "lines", "framing", "lines", "one line is one text message (--framing lines)"),
    ...WEBSOCKIFY_FLAGS,
    ...REFUSED_FLAGS,
  ],
  settings: (args) => websockifySettings(preset, args),
  lifetime: websockifyLifetime,
  notes: [
    "Listens on 127.0.0.1:8080 at /, /ws, /ws/ and /websockify; the target is 127.0.0.1:9000.",
    "It takes websockify's own flags; its listen address without a host is 127.0.0.1, not all addresses.",
    "A lone address is the listen address, whether it is :port or host:port; --target sets the target alone.",
  ],
  examples: [
    ["fairlead bridge :6080 db.internal:5432", "listen on 127.0.0.1:6080, as websockify would"],
    ["fairlead bridge --target 10.0.0.7:5900", "the target alone"],
    ["fairlead bridge :8080 127.0.0.1:1883 --subprotocol mqtt", "for MQTT over WebSocket"],
    ["fairlead bridge :8080 127.0.0.1:7000 --lines", "a line protocol as text messages"],
  ],
});
