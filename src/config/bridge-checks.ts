/** What a bridge may not combine, and targets that are none. As checks.ts: what has the wrong type is the schema's to tell. */
import { isHttpToken } from "../wire/http-token.ts";
import { parseAllowRule } from "./allow-rule.ts";
import { isTable, type KeyPath } from "./key-path.ts";
import type { Problem } from "./problems.ts";
import { paramsOf } from "./route-path.ts";
import { isFault, parseTarget } from "./target.ts";

type Route = Readonly<Record<string, unknown>>;

/** Each says by itself where the bridge leads. */
const CHOICES = ["target", "targets", "tokens", "allow"] as const;
/** What these mean on a bridge is not for a config to say. */
const OWN = /^fairlead\./;

export function bridgeProblems(path: string, route: Route): Problem[] {
  const at: KeyPath = ["routes", path];
  return [
    ...choiceProblems(at, route),
    ...targetProblems([...at, "target"], route["target"]),
    ...targetsProblems([...at, "targets"], path, route["targets"]),
    ...allowProblems([...at, "allow"], route["allow"]),
    ...tlsProblems([...at, "tls"], route),
    ...proxyProblems([...at, "proxyProtocol"], route),
    ...lineProblems(at, route),
    ...protocolProblems([...at, "subprotocols"], route["subprotocols"]),
    ...resumeProblems([...at, "resume"], route["resume"]),
  ];
}

function choiceProblems(at: KeyPath, route: Route): Problem[] {
  const [first, second] = CHOICES.filter((key) => route[key] !== undefined);
  if (first === undefined) {
    return [{ path: at, text: "leads nowhere", hint: ` Add one of ${CHOICES.join(", ")}.` }];
  }
  if (second === undefined) return [];
  return [{ path: [...at, second], text: `stands beside ${first}`, hint: " Keep one of the two." }];
}

function targetProblems(path: KeyPath, received: unknown): Problem[] {
  if (typeof received === "string") return faultProblems(path, received, parseTarget(received));
  if (!isTable(received) || !isTexts(received["exec"])) return [];
  return faultProblems([...path, "exec"], received["exec"], parseTarget({ exec: received["exec"] }));
}

function faultProblems(path: KeyPath, received: unknown, parsed: ReturnType<typeof parseTarget>): Problem[] {
  return isFault(parsed) ? [{ path, received, ...parsed }] : [];
}

function targetsProblems(at: KeyPath, path: string, targets: unknown): Problem[] {
  if (!isTable(targets)) return [];
  const names = Object.keys(targets);
  const problems = names.flatMap((name) => [
    ...nameProblems([...at, name], name),
    ...targetProblems([...at, name], targets[name]),
  ]);
  if (names.length === 0) problems.push({ path: at, text: "has no name", hint: " Add one, like lab." });
  if (paramsOf(path).length !== 1) {
    const hint = " Write it like /vnc/:host.";
    problems.push({ path: at, text: "needs a path with one parameter, which is the name", hint });
  }
  return problems;
}

/** As the router hands parameters over; another name would never be asked for. */
function nameProblems(path: KeyPath, name: string): Problem[] {
  const isUsable =
    name !== "" && name !== "__proto__" && !/\p{Cc}/u.test(name) && Buffer.byteLength(name) <= 255;
  const hint = " 1 to 255 bytes without control characters.";
  return isUsable ? [] : [{ path, text: "is no name that a path could have", hint }];
}

function allowProblems(at: KeyPath, rules: unknown): Problem[] {
  return (Array.isArray(rules) ? rules : []).flatMap((received, index) => {
    if (typeof received !== "string" || parseAllowRule(received) !== undefined) return [];
    const hint = " Like db.internal:5432, 10.0.0.0/24:22 or [fd00::]/8:*, where * is every port.";
    return [
      { path: [...at, index], text: "expected a name, an address or a network, and a port", received, hint },
    ];
  });
}

/** Where the only target speaks no TLS. Named ones and those of tokens may. */
function tlsProblems(path: KeyPath, { tls, target, allow }: Route): Problem[] {
  if (!isTable(tls) || Object.keys(tls).length === 0) return [];
  const isPlain = allow !== undefined || (target !== undefined && !String(target).startsWith("tls://"));
  if (!isPlain) return [];
  return [{ path, text: "is for tls:// targets", hint: " Write the target so, or remove tls." }];
}

function proxyProblems(path: KeyPath, { proxyProtocol: received, target }: Route): Problem[] {
  const isProgram = isTable(target) || String(target).startsWith("exec:");
  if (received === undefined || !isProgram) return [];
  const hint = " It has REMOTE_ADDR and REMOTE_PORT in its environment.";
  return [{ path, text: "is for services, and the target is a program", received, hint }];
}

function lineProblems(at: KeyPath, { framing, maxLine: received }: Route): Problem[] {
  if (received === undefined || framing === "lines") return [];
  const hint = " Set that, or remove maxLine.";
  return [{ path: [...at, "maxLine"], text: 'bounds the lines of framing "lines"', received, hint }];
}

function protocolProblems(at: KeyPath, protocols: unknown): Problem[] {
  return (Array.isArray(protocols) ? protocols : []).flatMap((received, index) => {
    if (typeof received !== "string") return [];
    const path: KeyPath = [...at, index];
    if (!isHttpToken(received)) return [{ path, text: "expected an HTTP token like mqtt", received }];
    if (!OWN.test(received)) return [];
    const hint = " Remove it; resume says whether streams are spoken.";
    return [{ path, text: "is a protocol of the gateway's own", received, hint }];
  });
}

/** The SSH form has frames of streams. */
function resumeProblems(at: KeyPath, resume: unknown): Problem[] {
  if (!isTable(resume) || resume["ssh"] !== true || resume["enabled"] !== false) return [];
  const hint = " Remove enabled: false, or ssh.";
  return [{ path: [...at, "ssh"], text: "is a form of what enabled turns off", received: true, hint }];
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
