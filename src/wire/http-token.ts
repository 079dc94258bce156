/** Words of HTTP: names of headers, methods and subprotocols (RFC 6455 section 4.1), and what may follow `Bearer`. Pure. */

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

export function isHttpToken(text: string): boolean {
  return TOKEN.test(text);
}

/** RFC 6750 section 2.1: `b64token`. */
const BEARER = /^[A-Za-z0-9._~+/-]+=*$/;

export function isBearerToken(text: string): boolean {
  return BEARER.test(text);
}
