import { join } from "node:path";
import { createSqliteEngine } from "../../src/engines/sqlite.ts";
import { engineContract } from "../contracts/engine.ts";
import { folder } from "../folder.ts";

const SILENT = { info() {}, warn() {}, error() {} };

engineContract("sqlite", async (clock) => {
  const file = join(folder(), "fairlead.db");
  const engine = createSqliteEngine({ file, sync: "batch", clock, log: SILENT, onError: () => {} });
  await engine.start();
  return engine;
});
