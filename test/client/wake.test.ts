import { afterEach, expect, test } from "bun:test";
import { onWake } from "../../src/client/wake.ts";

/** What a page has and this runtime has not. */
const page = globalThis as { document?: unknown };
const window = globalThis as unknown as EventTarget;
afterEach(() => {
  delete page.document;
});

test("tells when the network is back, until it is told to stop", () => {
  let woken = 0;
  const stop = onWake(() => woken++);
  window.dispatchEvent(new Event("online"));
  expect(woken).toBe(1);
  stop();
  window.dispatchEvent(new Event("online"));
  expect(woken).toBe(1);
});

test("tells when the page becomes visible, not when it is hidden", () => {
  const document = Object.assign(new EventTarget(), { visibilityState: "hidden" });
  page.document = document;
  let woken = 0;
  const stop = onWake(() => woken++);
  document.dispatchEvent(new Event("visibilitychange"));
  expect(woken).toBe(0);
  document.visibilityState = "visible";
  document.dispatchEvent(new Event("visibilitychange"));
  expect(woken).toBe(1);
  stop();
  document.dispatchEvent(new Event("visibilitychange"));
  expect(woken).toBe(1);
});
