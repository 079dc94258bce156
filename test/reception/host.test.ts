import { describe, expect, test } from "bun:test";
import { createHostCheck, type HostOptions } from "../../src/reception/host.ts";
import { folder } from "../folder.ts";
import { startGateway } from "../gateway.ts";
import { ask } from "../raw-client.ts";

const LOCAL = { address: "127.0.0.1", port: 4000 };
const FOREIGN = { address: "192.0.2.1", port: 4000 };

/** Which of these hosts pass. */
function passing(options: Partial<HostOptions>, hosts: readonly string[], peer = LOCAL): string[] {
  const check = createHostCheck({ host: "127.0.0.1", hosts: [], ...options });
  return hosts.filter((host) => check(new Headers({ Host: host }), "/x", peer) === undefined);
}

describe("on a loopback bind", () => {
  const OWN = [
    "localhost",
    "LocalHost:8080",
    "localhost.",
    "app.localhost:1",
    "a.b.localhost",
    "127.0.0.1",
    "127.9.9.9:80",
    "[::1]",
    "[::1]:8080",
  ];
  const OTHERS = [
    "evil.example",
    "localhost.evil.example",
    "notlocalhost",
    ".localhost",
    "127.0.0.1.evil.example",
    "127.0.0.1.nip.io",
    "127.1",
    "0.0.0.0",
    "[::]",
    "[::ffff:127.0.0.1]",
    "192.168.0.1",
    "",
  ];

  test.each([
    "127.0.0.1",
    "127.3.2.1",
    "::1",
    "0:0:0:0:0:0:0:1",
    "::ffff:127.0.0.1",
    "localhost",
    "LOCALHOST",
  ])("%s only loopback names pass", (host) => {
    expect(passing({ host }, OWN)).toEqual(OWN);
    expect(passing({ host }, OTHERS)).toEqual([]);
  });

  test("a name in hosts passes beside them", () => {
    expect(passing({ hosts: ["gateway.example"] }, ["gateway.example", "localhost", "evil.example"])).toEqual(
      ["gateway.example", "localhost"],
    );
  });

  test("a loopback name does not pass from elsewhere, as a proxy that listens for us might let it", () => {
    expect(passing({}, ["localhost"], FOREIGN)).toEqual([]);
  });
});

describe("elsewhere", () => {
  test.each(["0.0.0.0", "::", "192.0.2.7", "gateway.example"])(
    "on %s any Host passes unless hosts is set",
    (host) => {
      const all = ["evil.example", "localhost", "192.0.2.7"];
      expect(passing({ host }, all, FOREIGN)).toEqual(all);
      expect(passing({ host, hosts: ["a.example"] }, [...all, "a.example"], FOREIGN)).toEqual(["a.example"]);
    },
  );

  test("who is on the machine itself may call it localhost", () => {
    expect(passing({ host: "0.0.0.0", hosts: ["a.example"] }, ["localhost", "evil.example"])).toEqual([
      "localhost",
    ]);
  });

  test("on a socket of the file system any Host passes unless hosts is set", () => {
    const peer = { address: "", port: 0 };
    const unix = "/run/fairlead.sock";
    expect(passing({ unix }, ["evil.example"], peer)).toEqual(["evil.example"]);
    expect(passing({ unix, hosts: ["a.example"] }, ["evil.example", "localhost", "a.example"], peer)).toEqual(
      ["a.example"],
    );
  });
});

describe("an entry of hosts", () => {
  test.each<[entry: string, passes: string[], refused: string[]]>([
    ["a.example", ["a.example", "A.Example", "a.example.", "a.example:1"], ["b.a.example", "a.example.evil"]],
    ["A.Example.", ["a.example"], ["a.example.b"]],
    [
      "a.example:8443",
      ["a.example:8443", "a.example.:8443"],
      ["a.example", "a.example:443", "a.example:84430"],
    ],
    ["a.example:443", ["a.example:443", "a.example"], ["a.example:80"]],
    [
      "*.a.example",
      ["b.a.example", "c.b.a.example:99"],
      ["a.example", ".a.example", "evila.example", "a.example.b"],
    ],
    ["*.a.example:80", ["b.a.example"], ["b.a.example:81"]],
    ["[2001:db8::1]", ["[2001:DB8::1]:8080"], ["[2001:db8::2]"]],
  ])("%s", (entry, passes, refused) => {
    const hosts = [entry];
    expect(passing({ hosts }, passes)).toEqual(passes);
    expect(passing({ hosts }, refused)).toEqual([]);
  });
});

describe("a request for another host", () => {
  const echo = { kind: "echo", welcome: false } as const;
  const PLAIN = { Upgrade: null, Connection: null };
  const evil = { Host: "evil.example" };

  test("gets 421 that names the option, counted, whatever it asks for", async () => {
    await using gateway = await startGateway({ "/echo": echo }, { web: folder({ "a.txt": "a" }) });
    const asked = ["/echo", "/", "/metrics", "/a.txt", "/none", "/healthz/", "//healthz"];
    for (const path of asked) {
      const { status, body } = await ask(gateway.host, { path, headers: { ...PLAIN, ...evil } });
      expect([status, body.split(":")[0]]).toEqual([421, "misdirected"]);
      expect(body).toContain("`hosts`");
      expect(body).toEndWith(': "evil.example".\n');
    }
    expect((await ask(gateway.host, { headers: evil })).status).toBe(421);
    const series = 'fairlead_handshakes_rejected_total{reason="misdirected"}';
    expect(await gateway.metric(series)).toBe(asked.length + 1);
  });

  test("is answered on /healthz and /readyz, since probes come by address", async () => {
    await using gateway = await startGateway({ "/echo": echo });
    for (const path of ["/healthz", "/readyz", "/readyz?x"]) {
      expect((await ask(gateway.host, { path, headers: { ...PLAIN, Host: "10.1.2.3:8080" } })).status).toBe(
        200,
      );
    }
  });

  test("is welcome once the host is listed", async () => {
    await using gateway = await startGateway({ "/echo": echo }, { hosts: ["*.example"] });
    expect((await ask(gateway.host, { headers: evil })).status).toBe(101);
  });
});
