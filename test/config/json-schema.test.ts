import { expect, test } from "bun:test";
import { expectedText } from "../../src/config/expected.ts";
import { jsonSchema } from "../../src/config/json-schema.ts";
import { configSchema } from "../../src/config/schema.ts";
import { metaOf, optionPaths, schemasAt } from "../../src/config/schema-tree.ts";

const kinds = ["echo", "room", "feed", "relay", "bridge"];
const everyKind = { routes: Object.fromEntries(kinds.map((kind) => [`/${kind}`, { kind }])) };
const everyOption = optionPaths(configSchema, everyKind).filter((path) => path.at(-1) !== "kind");

test("gives every option a reason", () => {
  const bare = everyOption.filter((path) => metaOf(schemasAt(configSchema, path, everyKind)) === undefined);
  expect(bare).toEqual([]);
});

test("can say in words what every option takes", () => {
  const texts = everyOption.map((path) => expectedText(schemasAt(configSchema, path, everyKind)));
  expect(texts.filter((text) => text === "" || text.includes("nothing"))).toEqual([]);
});

test("writes default, unit and reason of an option into the JSON Schema", () => {
  const text = JSON.stringify(jsonSchema());
  expect(jsonSchema()).toMatchObject({
    $schema: "https://json-schema.org/draft/2020-12/schema",
    additionalProperties: false,
    properties: {
      listen: { properties: { port: { type: "integer", default: 8080, minimum: 0, maximum: 65_535 } } },
      drain: {
        properties: { window: { default: "10s", description: expect.stringContaining("(duration)") } },
      },
    },
  });
  expect(text).not.toContain('"reason"');
  expect(text).not.toContain('"unit"');
});

test("leaves functions out of the JSON Schema, as no file can hold one", () => {
  const text = JSON.stringify(jsonSchema());
  expect(text).not.toContain("onOpen");
  expect(text).not.toContain("x-function");
  expect(text).toContain('"stocks"');
});
