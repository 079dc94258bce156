/** Names in `hosts` and `origins` that no request can have, and ways to listen that exclude each other. As checks.ts: what has the wrong type is the schema's to tell. */
import { isTable } from "./key-path.ts";
import type { Problem } from "./problems.ts";

/** A name, `*.` and a name, or an address in brackets, with a port or without. */
const HOST = /^(?:(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;
/** RFC 6454 section 6.2, as browsers write it. Schemes of extensions and apps have origins too. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@*A-Z]+$/;

export function listenProblems(listen: unknown): Problem[] {
  if (!isTable(listen)) return [];
  const at = (key: string, text: string, hint: string): Problem => ({ path: ["listen", key], text, hint });
  const speaksTls = listen["tls"] !== undefined || listen["devTls"] === true;
  const asked = listen["plainPort"] !== undefined;
  return [
    ...(listen["tls"] !== undefined && listen["devTls"] === true
      ? [
          at(
            "devTls",
            "stands beside tls",
            " Keep one of the two: a certificate of your own, or one made at the start.",
          ),
        ]
      : []),
    ...(asked && !speaksTls
      ? [at("plainPort", "stands alone", " Without tls, port itself is plain; remove plainPort.")]
      : []),
    ...(asked && listen["unix"] !== undefined
      ? [at("plainPort", "stands beside unix", " A socket has no port; keep one of the two.")]
      : []),
  ];
}

export function hostsProblems(hosts: unknown): Problem[] {
  return texts(hosts).flatMap(({ received, index }) => {
    if (HOST.test(received) && received.length <= 260) return [];
    const hint = " Like gateway.example.com, gateway.example.com:8080, or *.example.com for all below it.";
    return [{ path: ["hosts", index], text: "expected a host's name", received, hint }];
  });
}

export function originsProblems(origins: unknown): Problem[] {
  return texts(origins).flatMap(({ received, index }) => {
    if (received === "*" || received === "null" || isOrigin(received)) return [];
    const meant = originOf(received);
    const hint =
      meant === undefined
        ? ' Like https://app.example.com or http://127.0.0.1:3000; "null" for pages without one, * for all.'
        : ` Browsers write it ${JSON.stringify(meant)}.`;
    return [{ path: ["origins", index], text: "expected the origin of a page", received, hint }];
  });
}

function texts(list: unknown): { readonly received: string; readonly index: number }[] {
  return (Array.isArray(list) ? list : []).flatMap((received: unknown, index) =>
    typeof received === "string" ? [{ received, index }] : [],
  );
}

/** Of http and https it must be letter for letter what a browser sends, or it would never match. */
function isOrigin(text: string): boolean {
  return ORIGIN.test(text) && (!/^https?:/.test(text) || originOf(text) === text);
}

/** What a browser would make of it; undefined: nothing. */
function originOf(text: string): string | undefined {
  const url = URL.parse(text.includes("://") ? text : `https://${text}`);
  return url === null || url.origin === "null" || text.includes("*") ? undefined : url.origin;
}
