// A feed with a source of its own: the time, once a second, for whoever reads /time.
import { defineConfig, type Source } from "fairlead";

const time: Source = async function* (signal) {
  while (!signal.aborted) {
    yield { data: { time: new Date().toISOString() } };
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
};

export default defineConfig({
  routes: { "/time": { kind: "feed", source: time, topic: "time", welcome: false } },
});
