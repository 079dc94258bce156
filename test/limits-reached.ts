/** Which test reaches each limit: option to file and (a part of) the test's name. `limits-reached.test.ts` holds it to the config and the tests. */
type Reached = readonly [file: string, name: string];

export const REACHED: Readonly<Record<string, Reached>> = {
  "auth.jwt.tolerance": [
    "auth/claims.test.ts",
    "exp counts up to the tolerance after it, and not at its end",
  ],
  "auth.revocations.max": [
    "auth/revocations.test.ts",
    "full: a new one is not taken, and says so, until an old one is forgotten",
  ],
  "auth.revocations.ttl": [
    "auth/revocations.test.ts",
    "is forgotten after ttl, so that an older token counts again",
  ],
  "auth.pending": [
    "auth.test.ts",
    "are as many as may be, shared by addresses, and more are told to come later",
  ],
  "auth.deadline": ["session-auth.test.ts", "is told and closed with 3008 if it takes too long"],
  "auth.grace": [
    "auth/validity.test.ts",
    "is told so once when it has ended, and ended when the grace is over",
  ],
  "engine.timeout": [
    "engines/redis-nodes.test.ts",
    "refuses publishes while Redis is stopped, says that they may have happened",
  ],
  "engine.lease": [
    "engines/redis/claims-nodes.test.ts",
    "frees the roles of a node that died within two leases",
  ],
  "engine.pending": ["engines/redis-nodes.test.ts", "bounds what waits for Redis in a topic"],
  "limits.connections": [
    "limits.test.ts",
    "answers 503 with Retry-After, and has room again when one leaves",
  ],
  "limits.perAddress": [
    "limits/door-sockets.test.ts",
    "refuses one more WebSocket with 429, until one of that address has gone",
  ],
  "limits.perUser": [
    "session-auth.test.ts",
    "is closed with 1008 if its user has as many connections as one may",
  ],
  "limits.perSecond": [
    "limits/door-sockets.test.ts",
    "refuses a storm with 429 and Retry-After, and leaves room for another address",
  ],
  "limits.headers": [
    "limits/requests.test.ts",
    "refuses one more with 431, counted, before any other look at the request",
  ],
  "limits.body": ["limits/requests.test.ts", "refuses one more byte with 413, chunked or with its length"],
  "limits.pings": ["attacks.test.ts", "60 pings in 10 s are answered, and the 61st closes with 1008"],
  "limits.messages": [
    "limits/pace-sockets.test.ts",
    "gets err rate_limited with retry for what is far ahead, then 4029",
  ],
  "limits.bytes": ["limits/pace-sockets.test.ts", "is closed with 4029 when one read brings far too much"],
  "limits.subscriptions": [
    "session-misuse.test.ts",
    "is refused as the 129th, the path's own counted, until one has ended",
  ],
  "limits.subscribes": [
    "session.test.ts",
    "reads on only when the next `sub` is within its rate, and refuses none",
  ],
  "memory.max": [
    "system/memory-mark.test.ts",
    "the readers who lag most are cut, new ones refused, and afterwards all is well again",
  ],
  "drain.window": ["drain.test.ts", "terminates who still holds something at the end of the window"],
  maxMessage: ["routes/echo.test.ts", "closes with 1009 when a message is over maxMessage"],
  "heartbeat.ping": ["heartbeat.test.ts", "pings every period, within a second of its time"],
  "heartbeat.pong": [
    "relay/silence.test.ts",
    "is closed with 4008 even if it drips bytes of a frame that never ends",
  ],
  stallTimeout: ["relay/silence.test.ts", "is cut after stallTimeout, which counts as 1013"],
  "slow.highWater": [
    "topics/fan-out-slow.test.ts",
    "is closed with 1013 past the mark, at the latest a quarter of it too late",
  ],
  "history.size": [
    "contracts/engine/history.ts",
    "says that a page is not whole once a message of it was evicted by size",
  ],
  "history.ttl": ["contracts/engine/history.ts", "evicts by ttl on the clock"],
  "history.bytes": ["contracts/engine/history.ts", "evicts by bytes, the first bound that is reached"],
  "history.total": [
    "contracts/engine/history.ts",
    "lets topics replace what they hold and add nothing to it once all hold total together",
  ],
  "presence.max": [
    "topics/presence-sockets.test.ts",
    "is told their number once there are more than `presence.max`, and of each again below",
  ],
  maxRate: ["routes/feed-v1.test.ts", "under `maxRate` answers what a newer value of its key superseded"],
  waitTimeout: ["relay/pipe-wire.test.ts", "closes who waits too long with 4408, one that was paused too"],
  timeout: ["routes/relay-wire.test.ts", "closes a silent peer with 4408 and tells its partner"],
  grace: ["relay/roles.test.ts", "delays the offline notice; one who is back in time was never away"],
  "queue.size": [
    "relay/v1-peer.test.ts",
    "does not get what came when the queue was full: the newest is dropped, and its sender told",
  ],
  "queue.bytes": ["relay/v1-peer.test.ts", "finds the queue full by its %s too"],
  "queue.total": [
    "relay/mixed.test.ts",
    "a plain one goes on when all queues together are full: what it says then is dropped",
  ],
  "queue.ttl": ["relay/v1-peer.test.ts", "does not get what waited longer than its ttl; the sender is told"],
  "session.ttl": ["relay/v1-peer.test.ts", "ends when it stays away: what it was handed is unknown"],
  "session.max": ["relay/v1-peer.test.ts", "ends the one that was away longest when more than max are"],
  "record.bytes": [
    "recording/recorder.test.ts",
    "ends with a marker before it grows past bytes, and the session may go on talking",
  ],
  "record.files": [
    "recording/folder.test.ts",
    "keeps so many files, the newest, also those of an earlier run",
  ],
  dialTimeout: [
    "routes/bridge.test.ts",
    "is refused with 504 if the target does not answer within dialTimeout, and a late answer is cut",
  ],
  dialPending: ["routes/bridge.test.ts", "is refused with 503 if dialPending dials are under way"],
  maxLine: [
    "routes/bridge-framing.test.ts",
    "closes a line of the target over maxLine with 1009, after the lines before it",
  ],
  halfCloseTimeout: [
    "bridge/pipe-ends.test.ts",
    "the client may go on, and gets 1000 once it has said nothing for halfCloseTimeout",
  ],
  "resume.window": [
    "routes/bridge-resume.test.ts",
    "ends with its window: the target gets FIN, the descriptor is given back, the client is told 4510",
  ],
  "resume.buffer": ["system/bridge-resume.test.ts", "a reader that stalls is owed at most 1 MiB"],
  "resume.streams": ["bridge/resume/waits.test.ts", "gives way if too many do"],
  "resume.total": ["bridge/resume/waits.test.ts", "gives way if what they keep takes too much memory"],
};
