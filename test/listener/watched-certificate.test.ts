/** Files of a certificate that change under a gateway that runs (fault 47: rotated, expired, wrong key). */
import { beforeAll, describe, expect, test } from "bun:test";
import { rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { STRANGER_KEY } from "../certificate.ts";
import { type MadePair, makePair } from "../made-certificate.ts";
import { mountedSecret, replaceByRename, startTlsHouse, type TlsHouse } from "../tls-house.ts";

const routes = { "/echo": { kind: "echo", welcome: false } } as const;
let first: MadePair;
let second: MadePair;
beforeAll(async () => {
  [first, second] = await Promise.all([makePair("first"), makePair("second")]);
});

const start = (options: object = {}) => startTlsHouse({ routes, first, ...options });
const warnings = ({ lines }: TlsHouse) =>
  lines.filter(({ level }) => level === "warn").map(({ text }) => text);
const KEPT = "! the new certificate cannot be used; the old one still counts";
const NOT_VALID = "! the certificate is not valid now; clients will refuse it";

function rotate(house: TlsHouse, pair = second): void {
  replaceByRename(house.files, pair);
  house.look();
}

describe("a pair is found", () => {
  test("where Kubernetes swaps the link above it", async () => {
    const { files, put } = mountedSecret(first);
    await using house = await start({ files });
    put(second);
    house.look();
    expect(await house.served()).toBe("second");
    expect(warnings(house)).toEqual([]);
  });

  test("where it is written over the old one, once the second file is there too", async () => {
    await using house = await start();
    writeFileSync(house.files.cert, second.cert);
    house.look(1);
    writeFileSync(house.files.key, second.key);
    house.look(1);
    expect(await house.served()).toBe("first");
    house.look(1);
    expect(await house.served()).toBe("second");
    expect(warnings(house)).toEqual([]);
  });

  test("where the authorities of clients change", async () => {
    const { files } = mountedSecret(first);
    const clientCa = `${files.cert}.ca`;
    writeFileSync(clientCa, first.cert);
    await using house = await start({ files, tls: { clientCa } });
    writeFileSync(clientCa, second.cert);
    house.look();
    const tls = { rejectUnauthorized: false };
    const status = (own: object) =>
      fetch(`https://127.0.0.1:${house.port}/healthz`, { tls: { ...tls, ...own }, keepalive: false }).then(
        (answer) => answer.status,
        () => "refused",
      );
    expect(await status(second)).toBe(200);
    expect(await status(first)).toBe("refused");
  });

  test("not where the same text was written again", async () => {
    await using house = await start();
    utimesSync(house.files.cert, 1, 1);
    rotate(house, first);
    expect(await house.metric('fairlead_tls_changes_total{result="swapped"}')).toBe(0);
    expect(house.lines.filter(({ text }) => /certificate/.test(text))).toEqual([]);
  });
});

describe("the old pair stays, with one warning, if the new one", () => {
  const DAY = 86_400_000;
  const now = Date.parse("2027-01-15");
  const bad: [what: string, break_: (files: TlsHouse["files"]) => void | Promise<void>, told: RegExp][] = [
    ["is gone", ({ cert }) => rmSync(cert), /listen\.tls\.cert: .* cannot be read \(ENOENT\)/],
    [
      "is a link to itself",
      ({ key }) => {
        rmSync(key);
        symlinkSync(key, key);
      },
      /listen\.tls\.key: .* cannot be read \(ELOOP\)/,
    ],
    [
      "has the key of another",
      ({ key }) => writeFileSync(key, STRANGER_KEY),
      /does not belong to the certificate/,
    ],
    ["has a certificate for the old key", ({ cert }) => writeFileSync(cert, second.cert), /does not belong/],
    [
      "is half-written",
      ({ cert }) => writeFileSync(cert, second.cert.slice(0, 200)),
      /holds no certificate in PEM/,
    ],
    ["has half a key", ({ key }) => writeFileSync(key, second.key.slice(0, 60)), /cannot be read/],
    ["is empty", (files) => replaceByRename(files, { cert: "", key: "" }), /holds no/],
    [
      "has expired",
      async (files) => replaceByRename(files, await makePair("expired", { to: new Date(now - DAY * 30) })),
      /valid from .* to Dec 16 .* 2026 GMT only/,
    ],
    [
      "is not valid yet",
      async (files) => replaceByRename(files, await makePair("early", { from: new Date(now + DAY * 30) })),
      /valid from Feb 14 .* 2027 GMT to/,
    ],
  ];
  test.each(bad)("%s", async (_, break_, told) => {
    await using house = await start();
    using before = await house.connect("/echo");
    await break_(house.files);
    house.look(10);
    expect(await house.served()).toBe("first");
    expect(warnings(house)).toEqual([KEPT]);
    const [line] = house.lines.filter(({ text }) => text === KEPT);
    expect(String(line?.["err"])).toMatch(told);
    expect(String(line?.["err"])).not.toContain("PRIVATE");
    expect(await house.metric('fairlead_tls_changes_total{result="kept"}')).toBe(1);
    before.send("untouched");
    expect(await before.next()).toBe("untouched");
    rotate(house);
    expect(await house.served()).toBe("second");
    expect(warnings(house)).toEqual([KEPT]);
  });

  test("is not valid yet, until it is", async () => {
    await using house = await start();
    replaceByRename(house.files, await makePair("early", { from: new Date(house.clock.wall() + 60_000) }));
    house.look(10);
    expect(await house.served()).toBe("first");
    house.clock.advance(60_000);
    expect(await house.served()).toBe("early");
    expect(warnings(house)).toEqual([KEPT]);
  });

  test("cannot be used twice in two ways: each change is told once", async () => {
    await using house = await start();
    writeFileSync(house.files.cert, "junk");
    house.look(5);
    writeFileSync(house.files.cert, "other junk");
    house.look(5);
    expect(warnings(house)).toEqual([KEPT, KEPT]);
  });
});

describe("a certificate whose time is over", () => {
  test("is served with a warning if there was no better one at the start", async () => {
    const expired = await makePair("expired", { to: new Date("2026-06-01") });
    await using house = await start({ first: expired });
    expect(warnings(house)).toEqual([NOT_VALID]);
    expect(await house.served()).toBe("expired");
    rotate(house);
    expect(await house.served()).toBe("second");
    expect(warnings(house)).toEqual([NOT_VALID]);
  });

  test("is told once if it ends while the gateway runs, and its end stands in /metrics before", async () => {
    const to = new Date("2027-01-15T08:05:00Z");
    await using house = await start({ first: await makePair("short", { to }) });
    expect(await house.metric("fairlead_tls_not_after_seconds")).toBe(to.getTime() / 1_000);
    expect(warnings(house)).toEqual([]);
    house.clock.advance(300_000);
    house.look(5);
    expect(warnings(house)).toEqual([NOT_VALID]);
  });
});
