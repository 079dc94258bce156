/** Names of HTTP: of headers and methods, and of subprotocols (RFC 6455 section 4.1). Pure. */

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

export function isHttpToken(text: string): boolean {
  return TOKEN.test(text);
}
