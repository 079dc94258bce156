/** A token, and how it travels: beside the subprotocol, because a browser can set no header of a WebSocket. */

/** Asked for anew at each attempt and before the present one ends. The signal aborts when it is no longer wanted. */
export type Token = string | ((signal: AbortSignal) => string | Promise<string>);

export function tokenProtocol(token: string): string {
  const binary = String.fromCharCode(...new TextEncoder().encode(token));
  const base64url = btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return `fairlead.token.${base64url}`;
}
