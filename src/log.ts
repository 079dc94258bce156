/**
 * Log lines to stderr: JSON when nobody watches, pretty on a terminal. stdout is for data.
 * Fields: conn route user topic code reason ip; values from strangers are data, never part of the text, and steer no terminal.
 * What cannot be written (nobody reads, closed pipe, full disk) is dropped and counted: the service goes on.
 */
import { Writable } from "node:stream";
import pino from "pino";
import { createStderr, type LineSink } from "./log/stderr.ts";

export interface LogOptions {
  readonly level: "debug" | "info" | "warn" | "error" | "silent";
  readonly format: "auto" | "json" | "pretty";
}

export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  /** Whether debug lines are written: lets a hot path skip building one. */
  readonly debugs: boolean;
  /** Lines that could not be written; absent where none can be lost. */
  readonly dropped?: number;
  debug(fields: LogFields, text: string): void;
  info(fields: LogFields, text: string): void;
  warn(fields: LogFields, text: string): void;
  error(fields: LogFields, text: string): void;
}

/** `base`: fields of every line. */
export function createLog(options: LogOptions, base: LogFields | null = null): Log {
  const pretty = options.format === "pretty" || (options.format === "auto" && process.stderr.isTTY);
  const stderr = createStderr();
  const lines = withoutSteering(stderr);
  const settings: pino.LoggerOptions = {
    level: options.level,
    base,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  };
  return fromPino(pino(settings, pretty ? prettyStream(lines) : lines), stderr);
}

function fromPino(logger: pino.Logger, sink: LineSink): Log {
  return {
    debugs: logger.isLevelEnabled("debug"),
    get dropped() {
      return sink.dropped;
    },
    debug: (fields, text) => logger.debug(fields, text),
    info: (fields, text) => logger.info(fields, text),
    warn: (fields, text) => logger.warn(fields, text),
    error: (fields, text) => logger.error(fields, text),
  };
}

/** What JSON leaves as it is and a terminal or an editor obeys: DEL, C1 (U+009B is CSI), line separators, marks that turn text. */
const STEERS = /[\u007f-\u009f\u2028\u2029\ufeff\p{Bidi_Control}]/gu;

function withoutSteering(sink: LineSink): pino.DestinationStream {
  return { write: (line) => sink.write(line.replace(STEERS, escaped)) };
}

/** As JSON writes it, so that the line says the same. */
function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** pino-pretty costs 30 ms of start-up; only a person at a terminal pays for it. */
function prettyStream(lines: pino.DestinationStream): pino.DestinationStream {
  const build: typeof import("pino-pretty") = require("pino-pretty");
  return build({
    destination: new Writable({
      decodeStrings: false,
      write(line, _, done) {
        lines.write(String(line));
        done();
      },
    }),
    ignore: "pid,hostname",
    singleLine: true,
    translateTime: "SYS:HH:MM:ss.l",
  });
}
