/** Chromium without a window, as tests of pages start it: nothing but what the page asks for. */
import { type Browser, chromium } from "playwright-core";

export const CHROMIUM_ARGS: readonly string[] = [
  "--no-sandbox",
  "--headless",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-quic",
];

/** Whoever launches it closes it. */
export function launchChromium(executablePath: string, ...more: string[]): Promise<Browser> {
  return chromium.launch({ executablePath, args: [...CHROMIUM_ARGS, ...more] });
}
