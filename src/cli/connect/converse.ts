/**
 * `fairlead connect` from its handshake to its exit code: stdin goes out, what comes is printed. Neither runs ahead of the other end:
 * stdin is read no faster than the socket takes it, and the socket no faster than stdout does.
 * Exit codes: 0 closed in order, 1 refused, lost, closed with a code that says why, or nothing to send it with; 130, 143 interrupted.
 */
import type { Writable } from "node:stream";
import { type Clock, pause } from "../../clock.ts";
import type { Handshake } from "../handshake-flags.ts";
import { escapeLine } from "./escape.ts";
import type { ConnectEvent } from "./events.ts";
import { InputError, linesOf, readable } from "./lines.ts";
import { type Ending, type Link, openLink } from "./link.ts";
import type { ConnectOptions } from "./options.ts";
import { type Pings, startPings } from "./pings.ts";
import { closeText, createPrinter, type Print, type Screen } from "./printer.ts";
import { failureText, refusalText } from "./refusal.ts";
import { readSlash } from "./slash.ts";

export interface ConnectIo extends Omit<Screen, "out"> {
  readonly input: AsyncIterable<Uint8Array<ArrayBuffer>>;
  readonly output: Writable;
  readonly clock: Clock;
  /** Resolves with the exit code when a signal asks for the end. */
  readonly interrupted: Promise<number>;
}

/** Stay for answers so long after the last message, unless --wait says otherwise; wscat's. */
const WAIT_MS = 2_000;
/** For the close handshake after a Ctrl-C. */
const FAREWELL_MS = 1_000;

export async function converse(
  handshake: Handshake,
  options: ConnectOptions,
  io: ConnectIo,
): Promise<number> {
  const conversation = new Conversation(handshake, options, io);
  const printed = () => new Promise<void>((done) => io.output.write("", () => done()));
  const ended = conversation.run().then((code) => printed().then(() => code));
  // Whoever interrupts does not wait for a slow reader of stdout.
  return Promise.race([ended, io.interrupted.then((exit) => conversation.leave(exit))]);
}

class Conversation {
  /** Why it failed, where its ending does not say it. */
  private problem: string | undefined;
  private received = 0;
  private readonly print: Print;
  private readonly link: Link;
  private pings: Pings | undefined;

  constructor(
    private readonly handshake: Handshake,
    private readonly options: ConnectOptions,
    private readonly io: ConnectIo,
  ) {
    const { output } = io;
    this.print = createPrinter(options, { ...io, out: (data) => this.out(data) });
    this.link = openLink(handshake, options.protocols, io.clock, (event) => this.heard(event));
    output.on("drain", () => {
      this.link.resume();
      this.pings?.seen(); // only from here on could a pong be read
    });
    output.on("error", () => this.close()); // whoever read stdout has gone
  }

  async run(): Promise<number> {
    const { link, options, io } = this;
    await link.opened;
    if (link.isOpen) {
      this.pings = startPings({ interval: options.pingInterval, timeout: options.pingTimeout }, io.clock, {
        ping: link.ping,
        isHeld: link.isHeld,
        onSilent: () => this.fail(`no pong within ${options.pingTimeout / 1_000} s`),
      });
      await Promise.race([link.ended, this.speak()]);
    }
    const ending = await link.ended;
    this.pings?.stop();
    return this.outcome(ending);
  }

  /** After a signal: the close handshake, if the server is quick. */
  async leave(exit: number): Promise<number> {
    this.close();
    const late = new AbortController();
    await Promise.race([this.link.ended, pause(this.io.clock, FAREWELL_MS, late.signal)]);
    late.abort();
    return exit;
  }

  /** Sends what there is to send, stays for the answers, closes. */
  private async speak(): Promise<void> {
    const { link, options } = this;
    try {
      for (const message of options.execute) await this.send(message);
      if (options.readsInput) await this.sendInput();
      if (!(await link.flushed())) return this.fail("the server took no more of what was sent");
      await this.stay();
      this.close();
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.fail(error.message);
    }
  }

  private async sendInput(): Promise<void> {
    const { io, link, options } = this;
    const chunks = readable(io.input);
    const messages = options.form === "bytes" ? chunks : linesOf(chunks);
    for await (const message of messages) {
      if (typeof message === "string" && options.slash) await this.obey(message);
      else await this.send(message);
      if (options.oneMessage || !link.isOpen) return;
    }
  }

  private send(message: string | Uint8Array<ArrayBuffer>): Promise<void> {
    if (typeof message === "string" && this.options.form === "bytes")
      return this.link.send(Buffer.from(message));
    return this.link.send(message);
  }

  private async obey(line: string): Promise<void> {
    const slash = readSlash(line);
    if (slash.do === "send") await this.link.send(slash.text);
    else if (slash.do === "complain") this.io.talk(`fairlead: ${slash.text}`);
    else if (slash.do === "close") this.link.close(slash.code, slash.reason);
    else this.link[slash.do](slash.data);
  }

  private async stay(): Promise<void> {
    const { options, io, link } = this;
    const isTyped = io.isInteractive && options.readsInput;
    const wait = options.wait ?? (options.oneMessage ? Number.POSITIVE_INFINITY : isTyped ? 0 : WAIT_MS);
    if (!Number.isFinite(wait)) return void (await link.ended);
    const ended = new AbortController();
    void link.ended.then(() => ended.abort());
    await pause(io.clock, wait, ended.signal);
    if (options.oneMessage && this.received === 0) this.fail(`no message came within ${wait / 1_000} s`);
  }

  private heard(event: ConnectEvent): void {
    if (event.direction === "in") this.pings?.seen();
    if (event.type === "pong" && event.direction === "in") {
      const rtt = this.pings?.heard(event.data);
      this.print(rtt === undefined ? event : { ...event, rtt });
      return;
    }
    const isMessage = event.direction === "in" && (event.type === "text" || event.type === "binary");
    if (isMessage) this.received += 1;
    this.print(event);
    if (isMessage && this.options.oneMessage) this.close();
  }

  private out(data: string | Uint8Array): void {
    if (!this.io.output.write(data)) this.link.pause();
  }

  private close(): void {
    const { code, reason } = this.options.close;
    this.link.close(code, reason);
  }

  private fail(problem: string): void {
    this.problem ??= problem;
    this.close();
  }

  private async outcome(ending: Ending): Promise<number> {
    const problem = this.problem ?? (await this.problemOf(ending));
    if (problem === undefined) return 0;
    this.io.talk(`fairlead: ${escapeLine(this.handshake.url)}: ${problem}`);
    return 1;
  }

  private async problemOf(ending: Ending): Promise<string | undefined> {
    const { code, reason, wasOpen, isOurs, failure } = ending;
    if (isOurs) return undefined;
    if (!wasOpen) return refusalText(this.handshake, this.options.protocols, failure);
    if (failure !== undefined) return `the connection was lost: ${failureText(failure)}`;
    return code === 1000 || code === 1005 ? undefined : `closed by the server: ${closeText(code, reason)}`;
  }
}
