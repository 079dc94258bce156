import { describe, expect, test } from "bun:test";
import { addressKey, type Door, type DoorOptions, type Place } from "../../src/limits/door.ts";
import { createCapacity } from "../../src/limits.ts";
import { createTrust } from "../../src/reception/forwarded.ts";
import { testDoor } from "../door.ts";

interface Who {
  readonly address?: string;
  readonly user?: string | null;
  readonly headers?: Record<string, string>;
}

/** The place, or the code of the refusal. */
function enter(door: Door, { address = "192.0.2.1", user = null, headers = {} }: Who = {}): Place | string {
  const entered = door.enter({ remoteAddress: address, user, headers: new Headers(headers) });
  return "place" in entered ? entered.place : entered.refusal.code;
}

function taken(place: Place | string): Place {
  if (typeof place === "string") throw new Error(`refused: ${place}`);
  return place;
}

const isIn = (place: Place | string) => (typeof place === "string" ? place : "in");

function doorHouse(limits: Partial<DoorOptions>, connections = 0) {
  const capacity = createCapacity(connections);
  return { capacity, door: testDoor(capacity, limits) };
}

describe("a door", () => {
  test("refuses with 429 and Retry-After, or 503, and takes nothing then", () => {
    const { door, capacity } = doorHouse({ perAddress: 1 }, 2);
    taken(enter(door));
    const refused = door.enter({ remoteAddress: "192.0.2.1", user: null, headers: new Headers() });
    expect(refused).toMatchObject({ refusal: { status: 429, headers: { "Retry-After": "5" } } });
    expect(capacity.used).toBe(1);
    taken(enter(door, { address: "192.0.2.2" }));
    expect(enter(door, { address: "192.0.2.3" })).toBe("full");
    expect(capacity.used).toBe(2);
  });

  test("lets nobody in while memory is short, and says so", () => {
    let isShort = true;
    const { door, capacity } = doorHouse({ isShort: () => isShort });
    expect(enter(door, { address: "127.0.0.1" })).toBe("memory");
    expect(capacity.used).toBe(0);
    isShort = false;
    taken(enter(door));
  });

  test("knows who is in, once they have sat down, and until they leave", () => {
    const { door } = doorHouse({});
    const [first, second] = [taken(enter(door)), taken(enter(door))];
    expect(door.holders()).toEqual([]);
    const holder = { buffered: () => 1, terminate() {} };
    first.holder = holder;
    expect(door.holders()).toEqual([holder]);
    second.leave();
    first.leave();
    expect(door.holders()).toEqual([]);
  });

  test("gives a place back once, however often it is left", () => {
    const { door, capacity } = doorHouse({ perAddress: 2, perUser: 2 });
    const [first] = [taken(enter(door, { user: "ann" })), taken(enter(door, { user: "ann" }))];
    first.leave();
    first.leave();
    expect(capacity.used).toBe(1);
    expect([isIn(enter(door, { user: "ann" })), isIn(enter(door, { user: "ann" }))]).toEqual([
      "in",
      "too_many_connections",
    ]);
  });
});

describe("connections of an address", () => {
  test("are refused past the limit, those of others are not", () => {
    const { door } = doorHouse({ perAddress: 2 });
    const addresses = ["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"];
    expect(addresses.map((address) => isIn(enter(door, { address })))).toEqual([
      "in",
      "in",
      "too_many_connections",
      "in",
    ]);
  });

  test("of IPv6 are counted by its /64", () => {
    expect(addressKey("2001:db8:1:2::1")).toBe(addressKey("2001:db8:1:2:ffff::9"));
    expect(addressKey("2001:db8:1:2::1")).not.toBe(addressKey("2001:db8:1:3::1"));
    expect(addressKey("fe80::1%eth0")).toBe(addressKey("fe80::2%eth1"));
    expect(addressKey("192.0.2.1")).not.toBe(addressKey("192.0.2.2"));
    const { door } = doorHouse({ perAddress: 1 });
    expect(isIn(enter(door, { address: "2001:db8::1" }))).toBe("in");
    expect(isIn(enter(door, { address: "2001:db8::aaaa:1" }))).toBe("too_many_connections");
  });

  test("are not counted if the address is this machine, or a socket in the file system", () => {
    const { door } = doorHouse({ perAddress: 1, perSecond: 1 });
    for (const address of ["127.0.0.1", "127.8.8.8", "::1", ""])
      for (let n = 0; n < 3; n += 1) expect(isIn(enter(door, { address }))).toBe("in");
  });
});

describe("behind a trusted proxy", () => {
  const isTrusted = createTrust(["10.0.0.1", "127.0.0.1", "unix"]);
  const forwarded = { "X-Forwarded-For": "who knows" };

  test("the proxy's own requests are free", () => {
    const { door } = doorHouse({ perAddress: 1, perSecond: 1, isTrusted });
    for (const address of ["10.0.0.1", "127.0.0.1", ""])
      for (let n = 0; n < 3; n += 1) expect(isIn(enter(door, { address }))).toBe("in");
  });

  test.each(["10.0.0.1", "127.0.0.1"])(
    "a client that hides behind %s by headers that contradict each other is not free",
    (address) => {
      const { door } = doorHouse({ perAddress: 1, isTrusted });
      expect(isIn(enter(door, { address, headers: forwarded }))).toBe("in");
      expect(isIn(enter(door, { address, headers: forwarded }))).toBe("too_many_connections");
      expect(isIn(enter(door, { address, headers: { Forwarded: "for=unknown" } }))).toBe(
        "too_many_connections",
      );
    },
  );

  test("headers of somebody who is no proxy change nothing", () => {
    const { door } = doorHouse({ perAddress: 1, isTrusted });
    expect(isIn(enter(door, { headers: forwarded }))).toBe("in");
    expect(isIn(enter(door))).toBe("too_many_connections");
  });
});

describe("connections of a user", () => {
  test("are counted whatever the address, loopback too", () => {
    const { door } = doorHouse({ perUser: 2 });
    const user = "ann";
    expect(isIn(enter(door, { address: "192.0.2.1", user }))).toBe("in");
    expect(isIn(enter(door, { address: "127.0.0.1", user }))).toBe("in");
    expect(isIn(enter(door, { address: "192.0.2.3", user }))).toBe("too_many_connections");
    expect(isIn(enter(door, { address: "192.0.2.3", user: "ben" }))).toBe("in");
    expect(isIn(enter(door, { address: "192.0.2.3" }))).toBe("in");
  });

  test("are counted too if it shows later who it is", () => {
    const { door } = doorHouse({ perUser: 1 });
    const [first, second] = [taken(enter(door)), taken(enter(door))];
    expect([first.belongTo("ann"), first.belongTo("ann"), second.belongTo("ann")]).toEqual([
      true,
      true,
      false,
    ]);
    first.leave();
    expect(second.belongTo("ann")).toBe(true);
    second.leave();
    expect(isIn(enter(door, { user: "ann" }))).toBe("in");
  });

  test("are given back by whom they belonged to before", () => {
    const { door } = doorHouse({ perUser: 1 });
    const place = taken(enter(door, { user: "ann" }));
    expect(place.belongTo("ben")).toBe(true);
    expect(isIn(enter(door, { user: "ann" }))).toBe("in");
    expect(isIn(enter(door, { user: "ben" }))).toBe("too_many_connections");
  });

  test("take nothing any more once they have gone", () => {
    const { door } = doorHouse({ perUser: 1 });
    const place = taken(enter(door));
    place.leave();
    place.belongTo("ann");
    expect(isIn(enter(door, { user: "ann" }))).toBe("in");
  });
});

test("who is turned away gives everything back, and the rate to the others", () => {
  const { door, capacity } = doorHouse({ perSecond: 4, perAddress: 5 });
  for (let n = 0; n < 4; n += 1) {
    const place = taken(enter(door, { address: `192.0.2.${n}` }));
    place.turnAway();
    place.turnAway();
  }
  expect(capacity.used).toBe(0);
  const next = () => Array.from({ length: 10 }, (_, n) => isIn(enter(door, { address: `198.51.100.${n}` })));
  expect(next().filter((each) => each === "in")).toHaveLength(4);
});

test("new connections a second are refused past the rate, and their shares given back", () => {
  const { door, capacity } = doorHouse({ perSecond: 4, perAddress: 2, perUser: 2 });
  expect(isIn(enter(door, { user: "ann" }))).toBe("in");
  expect(isIn(enter(door, { user: "ann" }))).toBe("too_fast");
  expect(isIn(enter(door, { user: "ann" }))).toBe("too_fast");
  expect(capacity.used).toBe(1);
  expect(isIn(enter(door, { address: "192.0.2.2", user: "ann" }))).toBe("in");
});
