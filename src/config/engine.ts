/** Options of the engine: where messages live. One of three shapes; those of Redis are shared by all nodes. */
import { z } from "zod";
import { bounded, duration, flag, option, secret } from "./option.ts";

const url = z.string().min(1);

const sqlite = z.strictObject({
  sqlite: option(url, "the engine's file; its folder is made when it is not there"),
  sync: option(
    z.enum(["batch", "always"]).default("batch"),
    "batch: a power cut may cost the last messages; always: each commit waits for the disk",
  ),
});

const redis = z.strictObject({
  redis: secret(
    z.union([url, z.array(url).min(1)]),
    "redis://[user:password@]host:port/db, rediss:// with TLS, unix:///path; several: topics are spread over them",
  ),
  sentinel: option(
    z.string().min(1).optional(),
    "name of the master that Sentinel watches; the URLs are then those of Sentinels",
  ),
  cluster: flag(false, "the URLs are nodes of one Redis Cluster"),
  password: secret(z.string().min(1).optional(), "password of Redis, where it stands in no URL"),
  ca: option(
    z.string().min(1).optional(),
    "file of authorities (PEM) that vouch for the servers of rediss://; default: the system's",
  ),
  prefix: option(
    z
      .string()
      .regex(/^[A-Za-z0-9_.:-]{1,64}$/, "expected 1 to 64 of A-Z, a-z, 0-9, _ . : -")
      .default("fairlead"),
    "stands before each key and channel; two systems on one Redis need two",
  ),
  timeout: bounded(
    duration("2s", "a call that Redis has not answered by then fails, and the connection is made anew"),
    "a server that hangs must not look like one that is slow",
    "`engine_down`",
  ),
  lease: bounded(
    duration("10s", "who has not been heard of for so long holds nothing any more"),
    "roles and members of a node that died are free within two of these",
    "its roles and members go",
  ),
  pending: bounded(
    option(z.int().min(0).default(1000), "publishes of a topic that Redis has not answered", "publishes"),
    "what waits for Redis waits in this process",
    "`engine_down`",
  ),
  strict: flag(false, "readyz says 503 while Redis is away; default: ready, because echo and bridges go on"),
});

export const engineOptions = z.union([z.literal("memory"), sqlite, redis]);

export type RedisOptions = z.output<typeof redis>;
