/** Files of keys: what they may hold, and what a wrong one is told. */
import { describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createIssuer } from "../../src/auth/issuer.ts";
import { CERT, KEY } from "../certificate.ts";
import { folder } from "../folder.ts";
import { auth, type Jwt, pair, SECRET } from "./tokens.ts";

type Options = Exclude<Jwt, readonly unknown[]>;

const noRemote = () => expect.unreachable("a key was asked for elsewhere");
function issuer(options: Options) {
  const [first] = [auth({ jwt: options }).jwt ?? []].flat();
  return first === undefined ? expect.unreachable() : createIssuer(first, noRemote);
}
const file = (text: string) => `${folder({ "the key": text })}/the key`;
const keyFrom = (text: string) => issuer({ keyFile: file(text) });

describe("secretFile", () => {
  test("is its text without the line end after it, as a variable's _FILE is", async () => {
    const bytes = Buffer.from("signed");
    const key = await crypto.subtle.importKey(
      "raw",
      Buffer.from(SECRET),
      { name: "HMAC", hash: "SHA-256" },
      false,
      ["sign"],
    );
    const signature = await crypto.subtle.sign("HMAC", key, bytes);
    for (const end of ["", "\n", "\r\n"]) {
      const found = await issuer({ secretFile: file(SECRET + end) }).keyFor("HS256", undefined);
      if (typeof found === "string") expect.unreachable(found);
      else expect(await crypto.subtle.verify("HMAC", found, signature, bytes)).toBe(true);
    }
  });

  test("is refused if it is short, also for the algorithm that is named", () => {
    expect(() => issuer({ secretFile: file(`${"x".repeat(31)}\n`) })).toThrow(
      "has 31 bytes, and at least 32 are needed",
    );
    const long = file("x".repeat(63));
    expect(() => issuer({ secretFile: long, algorithms: ["HS256", "HS512"] })).toThrow("at least 64");
  });

  test("is refused if it is no text", () => {
    const path = file("");
    writeFileSync(path, Buffer.alloc(64, 0xff));
    expect(() => issuer({ secretFile: path })).toThrow("is not text in UTF-8");
  });

  test("is never part of an error", () => {
    const thrown = () => issuer({ secretFile: file("short-and-secret") });
    expect(thrown).toThrow("auth.jwt.secretFile");
    expect(thrown).not.toThrow("short-and-secret");
  });
});

describe("keyFile", () => {
  test("may be a certificate, whose key it is", async () => {
    const key = await keyFrom(CERT).keyFor("ES256", undefined);
    expect(key).toBeInstanceOf(CryptoKey);
  });

  test("is refused if it is the private key, and its content is not repeated", () => {
    expect(() => keyFrom(KEY)).toThrow(
      "holds a private key; make a file of the public one with `openssl pkey -pubout`",
    );
    const jwk = pair("P-256").privateKey.export({ format: "jwk" });
    expect(() => keyFrom(JSON.stringify(jwk))).toThrow("holds no key that can be used");
    expect(() => keyFrom(JSON.stringify(jwk))).not.toThrow(String(jwk.d));
  });

  test("is refused if nothing in it is one public key", () => {
    const { pem } = pair("P-256");
    const hmac = JSON.stringify({ kty: "oct", k: "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA" });
    const texts = [
      "",
      "x",
      "{}",
      "[]",
      "null",
      '{"keys":[]}',
      hmac,
      `{"keys":[${hmac}]}`,
      pem + pem,
      pem.slice(0, 60),
    ];
    for (const text of texts) expect(() => keyFrom(text)).toThrow("holds no key that can be used");
  });

  test("is refused if its RSA key has fewer than 2048 bits", () => {
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 1_024 });
    const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
    expect(() => keyFrom(pem)).toThrow("RSA with 2048 bits");
  });
});

test("a file that cannot be read is named with its option and the reason", () => {
  const missing = `${folder()}/none`;
  for (const option of ["keyFile", "secretFile"] as const)
    expect(() => issuer({ [option]: missing })).toThrow(
      `auth.jwt.${option}: ${JSON.stringify(missing)} cannot be read (ENOENT)`,
    );
});

test("what never ends, or is over a mebibyte, is not read", () => {
  for (const path of ["/dev/zero", folder(), file("x".repeat(1_048_577))])
    expect(() => issuer({ keyFile: path })).toThrow("is no file of at most 1048576 bytes");
});
