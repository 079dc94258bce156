/** The keys and channels of topics in a home. */
import type { Home } from "../homes.ts";

export const headsKey = ({ base }: Home) => `${base}:heads`;
export const logKey = ({ base }: Home, topic: string) => `${base}:l:${topic}`;
export const idemKeys = ({ base }: Home) => [`${base}:idem`, `${base}:idems`] as const;
export const topicChannel = ({ base }: Home, topic: string) => `${base}:c:${topic}`;
export const newsChannel = ({ base }: Home) => `${base}:new`;
