/** Who listens to which channel. A list is replaced, never changed: a message under way goes to those it began with, and are still there. */
export type Heard = (payload: Buffer) => void;

export interface Listeners {
  readonly channels: readonly string[];
  /** Returns what lets go; that answers true for the last one of its channel, once. */
  add(channel: string, heard: Heard): () => boolean;
  tell(channel: string, payload: Buffer): void;
  clear(): void;
}

/** `onThrow` is told of each that threw; the others hear all the same. */
export function createListeners(onThrow: (channel: string, error: unknown) => void): Listeners {
  const listeners = new Map<string, ReadonlySet<Heard>>();
  return {
    get channels() {
      return [...listeners.keys()];
    },
    add(channel, heard) {
      // A function of its own: the same one may listen twice.
      const own: Heard = (payload) => heard(payload);
      listeners.set(channel, new Set(listeners.get(channel)).add(own));
      return () => {
        const rest = new Set(listeners.get(channel));
        if (!rest.delete(own)) return false;
        if (rest.size > 0) listeners.set(channel, rest);
        else listeners.delete(channel);
        return rest.size === 0;
      };
    },
    tell(channel, payload) {
      for (const heard of listeners.get(channel) ?? []) {
        try {
          if (listeners.get(channel)?.has(heard)) heard(payload);
        } catch (error) {
          onThrow(channel, error);
        }
      }
    },
    clear: () => listeners.clear(),
  };
}
