/** A token has one text: what is compared, counted and revoked by it cannot be written in another way. */
import { expect, test } from "bun:test";
import { createIssuer } from "../../src/auth/issuer.ts";
import { checkToken } from "../../src/auth/jwt.ts";
import { testClock } from "../clock.ts";
import { auth, SECRET, sign } from "./tokens.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

async function check(token: string) {
  const jwt = [auth({ jwt: { secret: SECRET } }).jwt ?? []].flat();
  const issuers = jwt.map((each) => createIssuer(each, () => expect.unreachable("a key was asked for")));
  return await checkToken(token, issuers, testClock());
}

test.each<[what: string, spelling: (token: string) => string]>([
  ["padded", (token) => `${token}=`],
  ["padded in the middle", (token) => token.replace(".", "=.")],
  [
    "with bits that no byte has",
    (token) => token.replace(/.$/, (last) => ALPHABET[ALPHABET.indexOf(last) ^ 1] ?? ""),
  ],
  [
    "in the other alphabet",
    (token) =>
      token
        .replaceAll("-", "+")
        .replaceAll("_", "/")
        .replace(/\.(?=[^.]*$)/, ".+"),
  ],
  ["with a line feed in it", (token) => token.replace(".", "\n.")],
])("a token does not count %s", async (_, spelling) => {
  const token = await sign();
  expect(await check(token)).toMatchObject({ identity: { user: "alice" } });
  expect(await check(spelling(token))).toEqual({ denied: "malformed" });
});
