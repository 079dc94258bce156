import { describe, expect, test } from "bun:test";
import { combinationProblems } from "../../src/config/checks.ts";
import { formatPath } from "../../src/config/key-path.ts";
import { problemText } from "../../src/config/problems.ts";
import { parseConfig, validate } from "../../src/config/validate.ts";
import { ofOneProcess } from "../../src/config/workers-checks.ts";
import { createGateway } from "../../src/gateway.ts";

const engine = { redis: "redis://127.0.0.1:6379" };
const problems = (input: object) =>
  combinationProblems(input).map((problem) => `${formatPath(problem.path)}: ${problemText(problem)}`);

describe("several workers", () => {
  test.each([2, 256, "auto"])("need an engine that processes share, if there are %p", (workers) => {
    const hint = 'Set engine: { redis: "redis://127.0.0.1:6379" }, or workers: 1.';
    expect(problems({ workers })).toEqual([
      `workers: needs an engine that processes share, and engine memory is of one process, got ${JSON.stringify(workers)}. ${hint}`,
    ]);
    expect(problems({ workers, engine: { sqlite: "x.db" } })[0]).toContain("and engine sqlite is of one");
    expect(problems({ workers, engine })).toEqual([]);
  });

  test("are not one worker, which any engine does for", () => {
    for (const workers of [1, undefined]) expect(problems({ workers, engine: "memory" })).toEqual([]);
  });

  test("cannot share a socket of the file system", () => {
    const listen = { unix: "/run/fairlead.sock" };
    expect(problems({ workers: 2, engine, listen })).toEqual([
      "listen.unix: is a socket of one process. Listen on a port of 127.0.0.1 in its place, or set workers: 1.",
    ]);
    expect(problems({ listen })).toEqual([]);
  });

  test("cannot make one certificate for development", () => {
    expect(problems({ workers: 2, engine, listen: { devTls: true } })[0]).toStartWith(
      "listen.devTls: would make another certificate in each worker.",
    );
    expect(problems({ workers: 2, engine, listen: { devTls: false } })).toEqual([]);
  });
});

describe("the address of a node that has several workers", () => {
  const advertise = "wss://node-1.example.com";

  test("needs a port for each", () => {
    expect(problems({ workers: "auto", engine, advertise })).toEqual([
      `advertise: is one address, and leads to any of several workers, got "${advertise}". Set listen.workerPort, which gives each a port of its own, or leave it out.`,
    ]);
    expect(problems({ workers: "auto", engine, advertise, listen: { workerPort: 9_001 } })).toEqual([]);
    expect(problems({ engine, advertise })).toEqual([]);
  });

  test("needs a port that there is", () => {
    const listen = (workerPort: number) => ({ workers: 4, engine, listen: { workerPort } });
    expect(problems(listen(65_533))[0]).toStartWith(
      "listen.workerPort: leaves no port for the last of 4 workers, got 65533.",
    );
    for (const port of [65_532, 0]) expect(problems(listen(port))).toEqual([]);
  });
});

test("a socket of the file system has no port that others could use", () => {
  expect(problems({ listen: { unix: "/run/fairlead.sock", reusePort: true } })[0]).toStartWith(
    "listen.reusePort: stands beside unix.",
  );
  expect(problems({ listen: { unix: "/run/fairlead.sock", workerPort: 1 } })[0]).toStartWith(
    "listen.workerPort: stands beside unix.",
  );
  expect(problems({ listen: { reusePort: true, workerPort: 1 } })).toEqual([]);
});

test.each([0, 257, 1.5, "many", -1])("the number of workers is not %p", (workers) => {
  const result = validate({ workers, engine });
  expect("problems" in result && result.problems[0]?.text).toContain("expected");
});

test("a gateway from code is one process, and says so where several were meant", () => {
  const told = "workers: auto is for the command line, which starts the processes";
  expect(() => createGateway({ workers: "auto", engine, routes: {} })).toThrow(told);
  expect(() => ofOneProcess(parseConfig({ workers: 1 }))).not.toThrow();
});
