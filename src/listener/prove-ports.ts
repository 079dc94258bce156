/**
 * Ports for processes that are about to share them: proven to be nobody else's, and found where any would do. A port in use would be shared in
 * silence with another gateway of this user. Failure: LISTEN_FAILED, in one line, and nothing stays open.
 */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { FairleadError } from "../errors.ts";
import { bindProblem, type Place } from "./bind-problem.ts";

/** In the order of the places, each another one. @throws FairleadError LISTEN_FAILED */
export async function provePorts(places: readonly Place[]): Promise<number[]> {
  const proofs: Server[] = [];
  try {
    // All are held until the last is found: of two that were 0 none may be found twice.
    for (const place of places) proofs.push(await hold(place));
    return proofs.map((proof) => (proof.address() as AddressInfo).port);
  } finally {
    await Promise.all(proofs.map((proof) => once(proof.close(), "close")));
  }
}

async function hold(place: Place): Promise<Server> {
  const { host, port } = place;
  const proof = createServer((socket) => socket.destroy()).listen({ host, port });
  try {
    await once(proof, "listening");
    return proof;
  } catch (error) {
    throw new FairleadError("LISTEN_FAILED", bindProblem(place, error), { cause: error });
  }
}
