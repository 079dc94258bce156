import { describe, expect, test } from "bun:test";
import { createClientOf, createSchemeOf } from "../../src/reception/forwarded.ts";
import { memoryLog, startGateway } from "../gateway.ts";
import { ask, upgrade } from "../raw-client.ts";

const PROXY = "10.0.0.1";
test("a proxy on the machine itself that is not trusted is told of once, and a client elsewhere never", () => {
  let told = 0;
  const quiet = createClientOf(["10.0.0.1"], () => {
    told += 1;
  });
  const spoken = new Headers({ "X-Forwarded-For": "198.51.100.7" });
  quiet({ address: "203.0.113.9", port: 1 }, spoken);
  quiet({ address: "10.0.0.1", port: 1 }, spoken);
  quiet({ address: "127.0.0.1", port: 1 }, new Headers());
  expect(told).toBe(0);
  for (const address of ["127.0.0.1", "::1", "127.0.0.1"])
    expect(quiet({ address, port: 1 }, spoken).address).toBe(address);
  expect(told).toBe(1);
});

const clientOf = createClientOf(["10.0.0.0/8", "::1"]);

/** The client's address and port, for a request from the proxy unless `from` is another. */
function client(headers: Record<string, string>, from = PROXY): string {
  const { address, port } = clientOf({ address: from, port: 4000 }, new Headers(headers));
  return port === 0 ? address : `${address} ${port}`;
}
const xff = (value: string, from?: string) => client({ "X-Forwarded-For": value }, from);
const forwarded = (value: string, from?: string) => client({ Forwarded: value }, from);
/** What is said when nothing that was said counts. */
const NOBODY = `${PROXY} 4000`;

describe("a peer that is no trusted proxy", () => {
  test("is the client, whatever it says", () => {
    for (const from of ["192.0.2.1", "11.0.0.1", "::2", ""]) {
      const itself = from === "" ? " 4000" : `${from} 4000`;
      expect(xff("198.51.100.1", from)).toBe(itself);
      expect(forwarded("for=198.51.100.1", from)).toBe(itself);
    }
  });

  test("is everybody as long as no proxy is named", () => {
    const nobody = createClientOf([]);
    const headers = new Headers({ "X-Forwarded-For": "198.51.100.1" });
    expect(nobody({ address: "127.0.0.1", port: 1 }, headers)).toEqual({ address: "127.0.0.1", port: 1 });
  });

  test("is named plainly, as a listener for both families does not", () => {
    expect(client({}, "::ffff:192.0.2.1")).toBe("192.0.2.1 4000");
    expect(xff("198.51.100.1", "::ffff:10.0.0.1")).toBe("198.51.100.1");
  });
});

describe("a trusted proxy", () => {
  test("is the client itself if it says nothing", () => {
    expect(client({})).toBe(NOBODY);
    expect([xff(""), forwarded("")]).toEqual([NOBODY, NOBODY]);
  });

  test("says who came to it last, and what stands before that is only what that one said", () => {
    expect(xff("198.51.100.1")).toBe("198.51.100.1");
    expect(xff("127.0.0.1, 203.0.113.9, 198.51.100.1")).toBe("198.51.100.1");
    expect(forwarded("for=127.0.0.1, for=198.51.100.1")).toBe("198.51.100.1");
  });

  test("is passed over while those before it are trusted too", () => {
    expect(xff("203.0.113.9, 198.51.100.1, 10.0.0.3, 10.0.0.2")).toBe("198.51.100.1");
    expect(forwarded("for=203.0.113.9, for=198.51.100.1;by=x, for=10.0.0.2")).toBe("198.51.100.1");
    expect(xff("198.51.100.1, ::1")).toBe("198.51.100.1");
    expect(xff("10.0.0.3, 10.0.0.2")).toBe("10.0.0.3");
  });

  test("is followed over 32 hops and no further", () => {
    const hops = Array.from({ length: 40 }, (_, index) => `10.1.0.${index}`);
    expect(xff(`198.51.100.1, ${hops.join(", ")}`)).toBe("10.1.0.8");
  });
});

describe("a peer without an address, as those of a socket in the file system", () => {
  const from = (trustProxy: string[], value: string) =>
    createClientOf(trustProxy)({ address: "", port: 0 }, new Headers({ "X-Forwarded-For": value })).address;

  test("is believed if unix is trusted, and its word is not a proxy of that kind again", () => {
    expect(from(["unix"], "198.51.100.1")).toBe("198.51.100.1");
    expect(from(["unix", "10.0.0.0/8"], "198.51.100.1, 10.0.0.2")).toBe("198.51.100.1");
    expect(from(["unix"], "198.51.100.1, ")).toBe("");
  });

  test("is not believed if only addresses are", () => {
    expect(from(["0.0.0.0/0", "::/0"], "198.51.100.1")).toBe("");
  });
});

describe("X-Forwarded-For", () => {
  test.each([
    ["198.51.100.1", "198.51.100.1"],
    ["  198.51.100.1\t", "198.51.100.1"],
    ["198.51.100.1:5678", "198.51.100.1 5678"],
    ["2001:db8::1", "2001:db8::1"],
    ["[2001:db8::1]", "2001:db8::1"],
    ["[2001:db8::1]:5678", "2001:db8::1 5678"],
    ["::ffff:198.51.100.1", "198.51.100.1"],
    ["198.51.100.1:99999", "198.51.100.1"],
  ])("may say %p", (value, expected) => expect(xff(value)).toBe(expected));

  test.each([
    ...[
      "unknown",
      "_hidden",
      "localhost",
      "198.51.100",
      "0x7f.1",
      "2130706433",
      "198.51.100.1.",
      "198.51.100.1:x",
    ],
    ...[
      "[198.51.100.1",
      "fe80::1%eth0",
      "[fe80::1%eth0]",
      "198.51.100.1,",
      '"198.51.100.1"',
      "a\tb",
      "[]",
      "[::1",
    ],
  ])("leaves it at the proxy if it says %p", (value) => expect(xff(value)).toBe(NOBODY));

  test("is believed as far as it makes sense, from the right", () => {
    expect(xff("nonsense, 10.0.0.2")).toBe("10.0.0.2");
    expect(xff("198.51.100.1, unknown, 10.0.0.2")).toBe("10.0.0.2");
    expect(xff("'; DROP TABLE, 198.51.100.1")).toBe("198.51.100.1");
  });
});

describe("Forwarded", () => {
  test.each([
    ["for=198.51.100.1", "198.51.100.1"],
    ['For="198.51.100.1:5678"', "198.51.100.1 5678"],
    ['for="[2001:db8::1]:5678"', "2001:db8::1 5678"],
    ['for="[2001:db8::1]"', "2001:db8::1"],
    ["proto=https;for=198.51.100.1;by=203.0.113.43", "198.51.100.1"],
    ['proto=https ; host="a.example;x" ; FOR=198.51.100.1', "198.51.100.1"],
    ['for="198.51.100.1:_port"', "198.51.100.1"],
    ['for="198.5\\1.100.1"', "198.51.100.1"],
    ["for=198.51.100.1:5678", "198.51.100.1 5678"],
  ])("may say %p", (value, expected) => expect(forwarded(value)).toBe(expected));

  test.each([
    ...["for=unknown", "for=_hidden", 'for="_hidden:_port"', "proto=https", "for", "for=", "=198.51.100.1"],
    ...["198.51.100.1", 'for="198.51.100.1', 'for=198.51.100.1"', "for=198.51.100.1;for=203.0.113.9"],
    ...[
      "for = 198.51.100.1",
      "for=198.51.100.1 for=203.0.113.9",
      'for="[fe80::1%25lo]"',
      "for=198.51.100.1;x",
    ],
  ])("leaves it at the proxy if it says %p", (value) => expect(forwarded(value)).toBe(NOBODY));

  test("is not to be had by what a proxy quotes of a client", () => {
    for (const host of [
      "a, for=203.0.113.9",
      "a, for=203.0.113.9;x=",
      'a\\", for=203.0.113.9;x=\\"',
      "a, for=203.0.113.9;x=y",
      ", for=203.0.113.9,",
    ]) {
      expect(forwarded(`for=198.51.100.1;host="${host}"`)).not.toContain("203.0.113.9");
      expect(forwarded(`for=198.51.100.1;host="${host}";proto=https`)).not.toContain("203.0.113.9");
    }
  });

  test("is not hidden by quotes that a client left open", () => {
    expect(forwarded('for="203.0.113.9, for=198.51.100.1')).toBe("198.51.100.1");
    expect(forwarded('for=x;host="a\\, for=198.51.100.1')).toBe("198.51.100.1");
  });
});

test("both headers count if they agree, and neither if they do not: one of them is the client's own", () => {
  const both = (f: string, x: string) => client({ Forwarded: f, "X-Forwarded-For": x });
  expect(both("for=198.51.100.1", "203.0.113.9, 198.51.100.1")).toBe("198.51.100.1");
  expect(both('for="198.51.100.1:5678"', "198.51.100.1")).toBe("198.51.100.1 5678");
  expect(both("for=127.0.0.1", "198.51.100.1")).toBe("unknown");
  expect(both("for=198.51.100.1", "nonsense")).toBe("unknown");
});

test("headers as long as they may be are read in no time", () => {
  const started = performance.now();
  for (const piece of ["10.0.0.1,", "for=10.0.0.1,", 'x="', 'a="\\', "for=a;", ",", " ", ";", "a=b;"]) {
    const value = piece.repeat(Math.floor(16_000 / piece.length));
    xff(value);
    forwarded(value);
    forwarded(`for=${value}`);
  }
  expect(performance.now() - started).toBeLessThan(500);
});

describe("a gateway", () => {
  const routes = { "/echo": { kind: "echo" } } as const;
  const SPOOFED = { "X-Forwarded-For": "198.51.100.1" };

  /** Addresses in the lines of the log, for one client that connects and one that is refused. */
  async function loggedFor(trustProxy: string[]) {
    const log = memoryLog(true);
    const seen: string[] = [];
    const onOpen = ({ remoteAddress }: { remoteAddress: string }) => void seen.push(remoteAddress);
    await using gateway = await startGateway({ "/echo": { kind: "echo", onOpen } }, { trustProxy }, { log });
    (await upgrade(gateway.host, { headers: SPOOFED }))[Symbol.dispose]();
    await ask(gateway.host, { path: "/none", headers: SPOOFED });
    const told = log.lines.filter(({ text }) => text === "connected" || text === "! refused");
    return [...seen, ...told.map(({ ip }) => ip)];
  }

  test("knows the client through a trusted proxy, in hooks and in every line of the log", async () => {
    expect(await loggedFor(["127.0.0.0/8"])).toEqual(Array(3).fill("198.51.100.1"));
  });

  test("is not fooled by a peer that nobody trusts", async () => {
    expect(await loggedFor([])).toEqual(Array(3).fill("127.0.0.1"));
    expect(await loggedFor(["10.0.0.0/8"])).toEqual(Array(3).fill("127.0.0.1"));
  });

  test("shows its metrics to nobody who came through a proxy, whatever address that one tells of", async () => {
    await using gateway = await startGateway(routes, { trustProxy: ["127.0.0.1"] });
    const status = async (headers: Record<string, string>) =>
      (await fetch(gateway.http("/metrics"), { headers })).status;
    expect(await status({})).toBe(200);
    expect(await status(SPOOFED)).toBe(404);
    expect(await status({ "X-Forwarded-For": "127.0.0.1" })).toBe(404);
    expect(await status({ Forwarded: 'for="[::1]"' })).toBe(404);
    expect(await status({ Forwarded: "nonsense" })).toBe(404);
  });
});

describe("the scheme of a request", () => {
  const schemeOf = createSchemeOf(["10.0.0.0/8", "unix"]);
  const scheme = (headers: Record<string, string>, from = PROXY, url = "http://a/") =>
    schemeOf({ address: from, port: 1 }, { url, headers: new Headers(headers) });
  const proto = "X-Forwarded-Proto";

  test("is the listener's own without a trusted proxy", () => {
    expect(scheme({ [proto]: "https" }, "192.0.2.1")).toBe("http");
    expect(scheme({ Forwarded: "proto=http" }, "192.0.2.1", "https://a/")).toBe("https");
    expect([scheme({}), scheme({}, PROXY, "https://a/")]).toEqual(["http", "https"]);
  });

  test("is what a trusted proxy says, in either header", () => {
    for (const from of [PROXY, "::ffff:10.0.0.1", ""]) {
      expect(scheme({ [proto]: " HTTPS" }, from)).toBe("https");
      expect(scheme({ Forwarded: 'for=192.0.2.1;proto="https"' }, from)).toBe("https");
    }
    expect(scheme({ [proto]: "http" }, PROXY, "https://a/")).toBe("http");
    expect(scheme({ Forwarded: "proto=http, for=192.0.2.1;proto=https" })).toBe("https");
    expect(scheme({ [proto]: "https", Forwarded: "for=192.0.2.1" })).toBe("https");
  });

  test("is the listener's own when what was said cannot be relied on", () => {
    expect(scheme({ [proto]: "https", Forwarded: "proto=http" })).toBe("http");
    expect(scheme({ [proto]: "https, http" })).toBe("http");
    expect(scheme({ [proto]: "gopher" })).toBe("http");
    expect(scheme({ [proto]: "" })).toBe("http");
    expect(scheme({ Forwarded: "proto=https;proto=http" })).toBe("http");
    expect(scheme({ Forwarded: 'for="a, proto=https' })).toBe("https");
  });
});
