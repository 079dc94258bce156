/** Tokens for the rows that need them: signed beforehand with HS256, each of another user. */
import { SignJWT } from "jose";

const SECRET = "a secret for benches, of more than 32 bytes";
const LIFE_S = 3_600;

/** What a gateway needs to know them. */
export const AUTH = { auth: { jwt: { secret: SECRET } } };

export function signTokens(count: number): Promise<string[]> {
  const key = new TextEncoder().encode(SECRET);
  const exp = Math.floor(Date.now() / 1_000) + LIFE_S;
  return Promise.all(
    Array.from({ length: count }, (_, i) =>
      new SignJWT({ sub: `user-${i}`, exp }).setProtectedHeader({ alg: "HS256" }).sign(key),
    ),
  );
}
