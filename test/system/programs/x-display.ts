/**
 * As little of the X protocol as it takes to paint the screen of a server on this machine and to hear what is pressed there, so that no
 * test needs the X programs. Little endian, no authorization; the server must allow that.
 */
import { connect, type Socket } from "node:net";
import { within } from "../program.ts";

export interface Press {
  readonly kind: "key" | "button";
  /** Keycode, or number of the button. */
  readonly detail: number;
  readonly x: number;
  readonly y: number;
}

export interface Display extends Disposable {
  /** Paints the whole screen; `rgb` as in 0x1e90ff. */
  paint(rgb: number): void;
  /** The next key or button that goes down, in order. Fails after 10 s. */
  pressed(): Promise<Press>;
}

const KEY_PRESS = 2;
const BUTTON_PRESS = 4;
/** Both as bits of an event mask, which happen to be other numbers. */
const PRESSES = 0x1 | 0x4;
const CHANGE_WINDOW_ATTRIBUTES = 2;
const CLEAR_AREA = 61;
const EVENT_BYTES = 32;

/** The display `:number`; fails when its server does not answer or wants authorization. */
export async function openDisplay(number: number): Promise<Display> {
  const socket = connect(`/tmp/.X11-unix/X${number}`);
  const read = reader(socket);
  socket.write(Buffer.from([0x6c, 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
  const head = await read(8);
  const setup = await read(head.readUInt16LE(6) * 4);
  if (head[0] !== 1) throw new Error(`the display :${number} refuses: ${setup}`);
  const root = rootOf(setup);
  attributes(socket, root, { mask: 0x800, value: PRESSES });
  return {
    paint(rgb) {
      attributes(socket, root, { mask: 0x2, value: rgb });
      socket.write(request(CLEAR_AREA, [root, 0, 0]));
    },
    async pressed() {
      for (;;) {
        const event = await within(10, read(EVENT_BYTES), () => "nothing was pressed");
        const code = (event[0] ?? 0) & 0x7f;
        if (code === 0) throw new Error(`the display :${number} reports error ${event[1]}`);
        if (code !== KEY_PRESS && code !== BUTTON_PRESS) continue;
        const kind = code === KEY_PRESS ? "key" : "button";
        return { kind, detail: event.readUInt8(1), x: event.readInt16LE(20), y: event.readInt16LE(22) };
      }
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

/** The first screen follows the vendor's name and the formats of pixels. */
function rootOf(setup: Buffer): number {
  const vendor = Math.ceil(setup.readUInt16LE(16) / 4) * 4;
  const formats = setup.readUInt8(21) * 8;
  return setup.readUInt32LE(32 + vendor + formats);
}

function attributes(socket: Socket, window: number, { mask, value }: { mask: number; value: number }): void {
  socket.write(request(CHANGE_WINDOW_ATTRIBUTES, [window, mask, value]));
}

function request(opcode: number, words: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 + words.length * 4);
  bytes.writeUInt8(opcode, 0);
  bytes.writeUInt16LE(bytes.length / 4, 2);
  for (const [i, word] of words.entries()) bytes.writeUInt32LE(word, 4 + i * 4);
  return bytes;
}

/** Reads so many bytes at a time, one caller after the other; fails when the server goes away. */
function reader(socket: Socket): (bytes: number) => Promise<Buffer> {
  const chunks = socket.iterator({ destroyOnReturn: false });
  let held = Buffer.alloc(0);
  return async (bytes) => {
    while (held.length < bytes) {
      const { value, done } = await chunks.next();
      if (done) throw new Error("the display has closed the connection");
      held = Buffer.concat([held, value]);
    }
    const taken = held.subarray(0, bytes);
    held = held.subarray(bytes);
    return taken;
  };
}
