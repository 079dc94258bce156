import { describe, expect, test } from "bun:test";
import { isFault, parseTarget, targetOf } from "../../src/config/target.ts";

const fault = (written: string | { exec: string[] }) => {
  const parsed = parseTarget(written);
  return isFault(parsed) ? `${parsed.text}.${parsed.hint}` : undefined;
};

describe("a target", () => {
  test("is a host and a port, without the brackets of IPv6", () => {
    expect(targetOf("db.internal:5432")).toEqual({
      kind: "tcp",
      label: "db.internal:5432",
      hostname: "db.internal",
      port: 5432,
    });
    expect(targetOf("[::1]:80")).toMatchObject({ kind: "tcp", hostname: "::1", port: 80, label: "[::1]:80" });
    expect(targetOf("[fe80::1%eth0]:80")).toMatchObject({ hostname: "fe80::1%eth0" });
  });

  test("is a service behind TLS", () => {
    expect(targetOf("tls://db.internal:5432")).toEqual({
      kind: "tls",
      label: "tls://db.internal:5432",
      hostname: "db.internal",
      port: 5432,
    });
  });

  test("is a socket in the file system, also with spaces and colons in its path", () => {
    expect(targetOf("unix:/run/a b:1.sock")).toEqual({
      kind: "unix",
      label: "unix:/run/a b:1.sock",
      path: "/run/a b:1.sock",
    });
  });

  test("is a program, split at spaces and at nothing else", () => {
    const command = ["/usr/bin/top", "-b", "$HOME;*"];
    expect(targetOf("exec:/usr/bin/top  -b $HOME;* ")).toEqual({
      kind: "exec",
      label: "exec:/usr/bin/top",
      command,
    });
  });

  test("is a program and its arguments as a list, as they stand", () => {
    const exec = ["sh", "-c", "echo 'a b'", ""];
    expect(targetOf({ exec })).toEqual({ kind: "exec", label: "exec:sh", command: exec });
  });

  test("shows no argument of a program in its label, because it may be a secret", () => {
    expect(targetOf("exec:mysql --password=hunter2").label).toBe("exec:mysql");
  });
});

describe("is no target", () => {
  test.each([
    "",
    "localhost",
    ":80",
    "localhost:",
    "a:0",
    "a:65536",
    "a:080000",
    "::1:80",
    "[::1]",
    "a:80/x",
  ])("%p", (text) => expect(fault(text)).toContain("expected host:port, [v6]:port"));

  test.each(["http://a:80", "tls:a:80", "tls://a", "tls://a:0", "tls://u@a:1", "a b:80", "a:8 0", "a:80\n"])(
    "%p",
    (text) => expect(fault(text)).toContain("The port is 1 to 65535"),
  );

  test.each(["unix:", "unix:/a\0b", "unix:/a\nb"])("%p", (text) =>
    expect(fault(text)).toContain("the path of a socket"),
  );

  test("a path that is too long for a socket, counted in bytes", () => {
    expect(fault(`unix:/${"a".repeat(102)}`)).toBeUndefined();
    expect(fault(`unix:/${"ü".repeat(52)}`)).toContain("at most 103 bytes");
  });

  test.each(["exec:", "exec:  ", "exec:a\0b"])("%p", (text) =>
    expect(fault(text)).toContain("expected a program and its arguments"),
  );

  test.each(['exec:sh -c "a b"', "exec:sh -c 'a'", "exec:a\\ b"])("%p, which wants a shell", (text) =>
    expect(fault(text)).toContain('{ exec: ["/bin/sh", "-c", "..."] }'),
  );

  test.each([[[]], [[""]], [["a", "b\0"]]])("the list %p", (exec) =>
    expect(fault({ exec })).toContain("expected a program and its arguments"),
  );
});

test("throws if a config was used that nobody validated", () => {
  expect(() => targetOf("nowhere")).toThrow("not validated");
});
