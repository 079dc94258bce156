/**
 * Lua scripts of the engine, each one atomic step. KEYS[1] is a home (homes.ts), ARGV[1] the run of the server that the caller knows.
 *
 * A home remembers the run of the server it was last used on. Another run means that the server was restarted, or another one took its
 * place: something may be lost. The script then changes nothing and answers FOREIGN; `adopt` gives the home a new generation, and
 * whatever was written under another one counts as not there. So no offset is ever used twice.
 */
import { createHash } from "node:crypto";

export interface Script {
  readonly lua: string;
  readonly sha: string;
}

/** What each script finds: `home`, and `gen`, its present generation. */
const PRELUDE = `
local home = KEYS[1]
local known = redis.call('HMGET', home, 'run', 'gen')
if known[1] ~= ARGV[1] then return redis.error_reply('FOREIGN home was last used on another run of the server') end
local gen = known[2]
`;

export const FOREIGN = "FOREIGN";

const scriptOf = (lua: string): Script => ({ lua, sha: createHash("sha1").update(lua).digest("hex") });

export const defineScript = (lua: string): Script => scriptOf(PRELUDE + lua);

/**
 * KEYS: home. ARGV: a fresh generation, "keep" when a restart of this server loses nothing. Answers the run of the server that it runs on,
 * as `runOf` (server-about.ts) has it. It asks the server itself, so a caller whose knowledge is old changes nothing.
 */
export const ADOPT = scriptOf(`
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local before = string.match(redis.call('INFO', 'replication'), 'master_replid2:(%x+)') or ''
if string.find(before, '[^0]') then run = run .. '/' .. before end
local known = redis.call('HMGET', KEYS[1], 'run', 'gen')
if known[1] == run then return run end
if known[2] and ARGV[2] == 'keep' then redis.call('HSET', KEYS[1], 'run', run)
else redis.call('HSET', KEYS[1], 'run', run, 'gen', ARGV[1]) end
return run
`);
