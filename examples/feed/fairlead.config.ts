// Invented prices from a source of its own: one topic for each symbol, `prices.AAPL` and so on.
import { defineConfig, type Source } from "fairlead";

const prices = new Map([
  ["AAPL", 231.5],
  ["AMZN", 204.2],
  ["GOOGL", 172.9],
  ["MSFT", 428.1],
]);

const walk: Source = async function* (signal) {
  while (!signal.aborted) {
    for (const [symbol, last] of prices) {
      const price = Math.round(last * (1 + (Math.random() - 0.5) / 200) * 100) / 100;
      prices.set(symbol, price);
      yield { topic: `prices.${symbol}`, data: { symbol, price } };
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
};

export default defineConfig({
  origins: ["http://127.0.0.1:3000"], // of the page, which another server gives out
  routes: { "/feed/:topic": { kind: "feed", source: walk, keyField: "symbol", welcome: false } },
});
