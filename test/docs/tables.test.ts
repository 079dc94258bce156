import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { COMMANDS, DOCUMENTS, TABLE_NAMES, tablesOf, withTables } from "../../scripts/docs-tables.ts";
import { DENIALS } from "../../src/auth/denials.ts";
import { jsonSchema } from "../../src/config/json-schema.ts";
import { configSchema } from "../../src/config/schema.ts";
import { defaultAt, metaOf, optionPaths, schemasAt } from "../../src/config/schema-tree.ts";
import type { ErrorCode } from "../../src/errors.ts";
import { ACROSS } from "../../src/metrics/workers.ts";
import { DROP_REASONS } from "../../src/metrics.ts";
import { REFUSAL_CODES, refusal } from "../../src/refusals.ts";
import { CLOSE_CODES } from "../../src/wire/close-codes.ts";
import { ERROR_CODES } from "../../src/wire/error-codes.ts";
import { headings, page, root, rows, section } from "./markdown.ts";

const KINDS = ["echo", "room", "feed", "relay", "bridge"] as const;
const first = (row: readonly string[]) => row[0] ?? "";

interface Documented {
  readonly name: string;
  readonly byDefault: unknown;
  readonly unit: string | undefined;
}

/** What a route of this kind takes beside `kind` and its hooks; without a kind: what the gateway takes. */
function optionsOf(kind?: string): Documented[] {
  const value = kind === undefined ? {} : { routes: { "/": { kind } } };
  return optionPaths(configSchema, value)
    .filter((path) => (path[0] === "routes") === (kind !== undefined))
    .map((path) => {
      const schemas = schemasAt(configSchema, path, value);
      const name = path.slice(kind === undefined ? 0 : 2).join(".");
      return { name, byDefault: defaultAt(schemas), unit: metaOf(schemas)?.unit };
    })
    .filter(({ name }) => !["kind", "onOpen", "onClose"].includes(name));
}

for (const path of DOCUMENTS) {
  test(`the tables of ${path} are what scripts/docs-tables.ts writes`, () => {
    const { text } = page(path);
    expect(text).toBe(withTables(text));
  });
}

test("every table that can be generated stands in one of the documents", () => {
  const there = DOCUMENTS.flatMap((path) => tablesOf(page(path).text));
  expect(there.sort()).toEqual([...TABLE_NAMES].sort());
});

test("the flags of the gateway are the same for every verb, so that one table tells them", () => {
  const names = (verb: string) =>
    COMMANDS[verb]?.flags.filter(({ group }) => group === "gateway").map(({ name }) => name);
  const withoutFile = names("serve")?.filter((name) => name !== "config");
  for (const kind of KINDS) expect(names(kind)).toEqual(withoutFile);
  expect(names("config")).toEqual(names("serve"));
});

test("docs/cli.md lists every verb, and where it listens", () => {
  const { text } = page("docs/cli.md");
  const verbs = rows({ path: "docs/cli.md", text: text.slice(0, text.indexOf("\n## ")) });
  expect([...new Set(verbs.map((row) => first(row).split(" ")[0]))]).toEqual(Object.keys(COMMANDS));
  for (const [form = "", , address = ""] of verbs.filter((row) => row[2] !== "")) {
    const port = COMMANDS[form.split(" ")[0] ?? ""]?.flags.find(({ name }) => name === "port");
    expect(port?.help).toEndWith(`(default ${address.replace("127.0.0.1:", "")})`);
  }
});

test("docs/fairlead.schema.json is what `config schema` prints", () => {
  const file = readFileSync(join(root, "docs/fairlead.schema.json"), "utf8");
  expect(JSON.parse(file)).toEqual(JSON.parse(JSON.stringify(jsonSchema())));
});

describe("docs/errors.md", () => {
  const errors = page("docs/errors.md");
  const titled = (title: string) => headings(section(errors, title));

  test("has a heading with the status for each refusal, and for nothing else", () => {
    const expected = REFUSAL_CODES.map((code) => `\`${code}\` (${refusal(code).status})`);
    const found = titled("Refusals").filter((title) => title !== "Answers of the runtime");
    expect(found.sort()).toEqual(expected.sort());
  });

  test("has a heading with the name for each close code, and for nothing else", () => {
    const expected = Object.entries(CLOSE_CODES).map(([code, { name }]) => `${code} ${name}`);
    expect(titled("Close codes")).toEqual(expected);
  });

  for (const [code, { name, next }] of Object.entries(CLOSE_CODES)) {
    test(`says for ${code} what the table says that a client does next: ${next}`, () => {
      expect(section(errors, `${code} ${name}`).text).toContain(`Client: ${next}`);
    });
  }

  test("has a row for each error of fairlead.v1 with what its list says, and for nothing else", () => {
    const expected = Object.entries(ERROR_CODES).map(([code, { text, counts }]) => {
      return [code, text.replaceAll("`", ""), counts ? "yes" : "no"];
    });
    expect(rows(section(errors, "Errors of fairlead.v1"))).toEqual(expected);
  });

  test("has a heading for each error code, and for nothing else", () => {
    const codes = {
      CONFIG_INVALID: true,
      LISTEN_FAILED: true,
      ENGINE_DOWN: true,
      USAGE: true,
    } satisfies Record<ErrorCode, true>;
    expect(titled("Error codes").sort()).toEqual(Object.keys(codes).sort());
  });
});

test("docs/metrics.md explains each reason of a drop, and nothing else", () => {
  const explained = rows(section(page("docs/metrics.md"), "Why a message was dropped")).map(first);
  expect(explained.sort()).toEqual([...DROP_REASONS].sort());
});

test("docs/workers.md lists the gauges that do not add up over workers, each with what becomes of it", () => {
  const listed = rows(section(page("docs/workers.md"), "What is of all, and what of each"))
    .filter(([name = ""]) => name.startsWith("fairlead_"))
    .map(([name, text = ""]) => [name, /^the (most|least)\b/.exec(text)?.[1]]);
  expect(Object.fromEntries(listed)).toEqual(Object.fromEntries(ACROSS));
});

test("docs/auth.md explains each word for a denial, and nothing else", () => {
  const explained = rows(section(page("docs/auth.md"), "Why somebody is denied")).map(first);
  expect(explained.sort()).toEqual([...DENIALS].sort());
});

test("docs/logs.md lists each text that is logged, with its level where that is fixed, and no other", async () => {
  const CALL = /\b(?:log(?:\.(\w+)|\[level\])|this\.say)\(\s*[\s\S]{0,200}?,\s*"([^"]+)",?\s*\)/g;
  const logged = new Map<string, string | undefined>();
  for (const path of new Bun.Glob("src/**/*.ts").scanSync(root)) {
    const source = await Bun.file(join(root, path)).text();
    for (const [, level, text = ""] of source.matchAll(CALL)) logged.set(text, level);
  }
  const listed = new Map(
    rows(section(page("docs/logs.md"), "Lines")).map(([text = "", level]) => [text, level]),
  );
  expect([...listed.keys()].sort()).toEqual([...logged.keys()].sort());
  for (const [text, level] of logged)
    expect([text, listed.get(text)]).toEqual([text, level ?? listed.get(text)]);
});

describe("docs/limits.md", () => {
  const listed = rows(section(page("docs/limits.md"), "Options")).map((row) => ({
    name: first(row).replace(/ \(.*/, ""),
    byDefault: row[1] ?? "",
  }));
  const NO_LIMITS = ["interval", "drain.delay", "compression.threshold"];
  const limits = [...optionsOf(), ...KINDS.flatMap(optionsOf)].filter(
    ({ name, unit }) => unit !== undefined && unit !== "host:port" && !NO_LIMITS.includes(name),
  );

  test("lists each option that has a unit and is a bound, and no other", () => {
    expect(listed.map(({ name }) => name).sort()).toEqual(
      [...new Set(limits.map(({ name }) => name))].sort(),
    );
  });

  for (const { name, byDefault } of limits.filter((limit) => limit.byDefault !== undefined)) {
    test(`tells the default of ${name}: ${byDefault}`, () => {
      expect(listed.find((row) => row.name === name)?.byDefault).toContain(String(byDefault));
    });
  }
});

for (const kind of KINDS) {
  describe(`docs/routes/${kind}.md`, () => {
    const options = section(page(`docs/routes/${kind}.md`), "Options");
    const listed = rows(options).filter((row) => !/^on(?:Open|Close)$/.test(first(row)));

    test("lists each option of its kind, and no other", () => {
      expect(listed.map(first).sort()).toEqual(
        optionsOf(kind)
          .map(({ name }) => name)
          .sort(),
      );
    });

    for (const { name, byDefault } of optionsOf(kind).filter((option) => option.byDefault !== undefined)) {
      test(`tells the default of ${name}`, () => {
        const cell = listed.find((row) => first(row) === name)?.[1]?.replaceAll('"', "") ?? "";
        const text = typeof byDefault === "string" ? byDefault : JSON.stringify(byDefault);
        expect(cell).toBe(text.replaceAll('"', ""));
      });
    }

    test("names close codes that there are", () => {
      const known = Object.keys(CLOSE_CODES);
      const named = rows(section(page(`docs/routes/${kind}.md`), "Close codes")).map(first);
      expect(named.filter((code) => !known.includes(code))).toEqual([]);
    });
  });
}
