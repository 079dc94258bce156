/** Who is there: keeps each station at its size, lets some leave and others come, and has them speak in turn. */
import type { Station, Visit } from "./station.ts";

const TURN_MS = 50;

export interface Crowd {
  /** Fills every station, at most 50 at a time. */
  gather(): Promise<void>;
  /** Speaks and churns from now on. */
  go(): void;
  /** Nobody says, comes or goes any more; resolves when those under way have. */
  hold(): Promise<void>;
  /** Everybody leaves. */
  disperse(): Promise<void>;
  /** Clients that are there. */
  readonly clients: number;
  /** Joins and leaves so far. */
  readonly churned: number;
}

interface Place {
  readonly station: Station;
  /** Whose turn it is, first. */
  readonly visits: Visit[];
  readonly size: number;
  /** What its visits still have to say. */
  owed: number;
}

export interface CrowdOptions {
  readonly stations: readonly Station[];
  /** 1: as large as the stations say. */
  readonly scale: number;
  /** Joins and leaves a second. */
  readonly churn: number;
  readonly fault: (text: string) => void;
}

export function createCrowd({ stations, scale, churn, fault }: CrowdOptions): Crowd {
  const places = stations.map((station): Place => {
    return { station, visits: [], size: Math.max(1, Math.round(station.visits * scale)), owed: 0 };
  });
  const underWay = new Set<Promise<void>>();
  let timer: Timer | undefined;
  let owedChurn = 0;
  let churned = 0;

  const join = async ({ station, visits }: Place) => void visits.push(await station.join(fault));

  /** Those with more visits are asked more often. */
  function anyPlace(): Place | undefined {
    let at = Math.random() * places.reduce((sum, { size }) => sum + size, 0);
    return places.find(({ size }) => {
      at -= size;
      return at < 0;
    });
  }

  async function replaceOne(): Promise<void> {
    const place = anyPlace();
    const [visit] = place?.visits.splice(Math.floor(Math.random() * place.visits.length), 1) ?? [];
    if (place === undefined || visit === undefined) return;
    await visit.leave();
    await join(place);
    churned += 1;
  }

  function track(work: Promise<void>): void {
    const tracked = work
      .catch((error) => fault(String(error)))
      .finally(() => {
        underWay.delete(tracked);
      });
    underWay.add(tracked);
  }

  function turn(): void {
    for (const place of places) {
      place.owed += (place.visits.length * TURN_MS) / place.station.period;
      for (; place.owed >= 1; place.owed -= 1) sayNext(place.visits);
    }
    owedChurn += (churn * TURN_MS) / 1_000;
    for (; owedChurn >= 1; owedChurn -= 1) track(replaceOne());
  }

  return {
    async gather() {
      for (const place of places) {
        while (place.visits.length < place.size) {
          const missing = Math.min(50, place.size - place.visits.length);
          await Promise.all(Array.from({ length: missing }, () => join(place)));
        }
      }
    },
    go() {
      timer ??= setInterval(turn, TURN_MS);
    },
    async hold() {
      clearInterval(timer);
      timer = undefined;
      await Promise.all(underWay);
    },
    async disperse() {
      for (const { visits } of places) {
        while (visits.length > 0) await Promise.all(visits.splice(0, 50).map((visit) => visit.leave()));
      }
    },
    get clients() {
      return places.reduce((sum, { station, visits }) => sum + station.clients * visits.length, 0);
    },
    get churned() {
      return churned;
    },
  };
}

/** Everybody has a turn in time, whoever comes and goes meanwhile: who says nothing for long is closed as silent. */
function sayNext(visits: Visit[]): void {
  const visit = visits.shift();
  if (visit === undefined) return;
  visit.say();
  visits.push(visit);
}
