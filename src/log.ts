/**
 * Log lines to stderr: JSON when nobody watches, pretty on a terminal. stdout is for data.
 * Fields: conn route user topic code reason ip; values from strangers are data, never part of the text, and steer no terminal.
 * A log that cannot be written (closed pipe, full disk) is dropped: the service goes on.
 */
import pino from "pino";

export interface LogOptions {
  readonly level: "debug" | "info" | "warn" | "error" | "silent";
  readonly format: "auto" | "json" | "pretty";
}

export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  /** Whether debug lines are written: lets a hot path skip building one. */
  readonly debugs: boolean;
  debug(fields: LogFields, text: string): void;
  info(fields: LogFields, text: string): void;
  warn(fields: LogFields, text: string): void;
  error(fields: LogFields, text: string): void;
}

export function createLog(options: LogOptions): Log {
  const pretty = options.format === "pretty" || (options.format === "auto" && process.stderr.isTTY);
  const stream = pretty ? prettyStream() : stderrStream();
  const settings: pino.LoggerOptions = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  };
  return fromPino(pino(settings, stream));
}

function fromPino(logger: pino.Logger): Log {
  return {
    debugs: logger.isLevelEnabled("debug"),
    debug: (fields, text) => logger.debug(fields, text),
    info: (fields, text) => logger.info(fields, text),
    warn: (fields, text) => logger.warn(fields, text),
    error: (fields, text) => logger.error(fields, text),
  };
}

/** A destination that cannot be written reports here; there is nowhere left to say so. */
const dropLine = () => undefined;

/** What JSON leaves as it is and a terminal or an editor obeys: DEL, C1 (U+009B is CSI), line separators, marks that turn text. */
const STEERS = /[\u007f-\u009f\u2028\u2029\ufeff\p{Bidi_Control}]/gu;

function stderrStream() {
  const stream = pino.destination({ fd: 2, sync: true });
  stream.on("error", dropLine);
  const write = stream.write.bind(stream);
  stream.write = (line) => write(line.replace(STEERS, escaped));
  return stream;
}

/** As JSON writes it, so that the line says the same. */
function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** pino-pretty costs 30 ms of start-up; only a person at a terminal pays for it. */
function prettyStream(): pino.DestinationStream {
  const build: typeof import("pino-pretty") = require("pino-pretty");
  const stream = build({
    destination: stderrStream(),
    ignore: "pid,hostname",
    singleLine: true,
    translateTime: "SYS:HH:MM:ss.l",
  });
  stream.on("error", dropLine);
  return stream;
}
