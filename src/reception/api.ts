/**
 * The operators' API, below `/api`, for whoever shows an API key with `admin`: `POST /api/revoke`, `GET /api/nodes`.
 * Failure: as a route's, one answer of the refusal table; without a key nobody learns which paths there are.
 */
import type { Revoke, Sharing } from "../auth/revoke.ts";
import type { Authenticator, Credentials, Revocation, Verdict } from "../identity.ts";
import type { NodesPage } from "../nodes.ts";
import { refusal, refusalResponse } from "../refusals.ts";
import type { Refusal } from "../route.ts";

export interface ApiOptions {
  /** Undefined: nobody can show a key, so there is no API. */
  readonly authenticator: Authenticator | undefined;
  readonly revoke: Revoke;
  /** All nodes, as far as they are known; with a `problem` when that is not all. */
  nodes(): Promise<NodesPage>;
  readonly onRefused: (refusal: Refusal, path: string, remoteAddress: string) => void;
}

export type ApiRequest = Pick<Credentials, "remoteAddress" | "peerAddress">;

export type Api = (request: Request, path: string, from: ApiRequest) => Promise<Response>;

/** Names of users and ids of tokens. */
const MAX_NAME = 255;

/** Whoever asked must not believe that it holds on all nodes. Asking again does no harm. */
const SHARED: Readonly<Record<Sharing, Refusal | undefined>> = {
  told: undefined,
  later: {
    ...refusal("engine_down"),
    text: "Revoked on this node; the others learn of it when the engine is back.",
  },
  full: {
    ...refusal("too_many_revocations"),
    text: "Revoked on this node, and not on the others: as many are kept as may be; raise auth.revocations.max.",
  },
};

/** Its paths, and the one method that each takes. */
const METHODS: Readonly<Record<string, string>> = { "/api/revoke": "POST", "/api/nodes": "GET" };

export function createApi({ authenticator, revoke, nodes, onRefused }: ApiOptions): Api {
  async function answer(request: Request, path: string, from: ApiRequest): Promise<Response | Refusal> {
    if (authenticator === undefined) return refusal("not_found");
    const shown = {
      headers: request.headers,
      query: new URLSearchParams(),
      route: "/api",
      params: {},
      ...from,
    };
    const problem = keyProblem(await authenticator.request(shown));
    if (problem !== undefined) return problem;
    const method = Object.hasOwn(METHODS, path) ? METHODS[path] : undefined;
    if (method === undefined) return refusal("not_found");
    if (request.method !== method) return refusal("method_not_allowed", undefined, { Allow: method });
    return path === "/api/nodes" ? listed(await nodes()) : revoked(request);
  }

  async function revoked(request: Request): Promise<Response | Refusal> {
    const what = revocationOf(await request.json().catch(() => undefined));
    if (what === undefined)
      return refusal("bad_request", 'expected the JSON {"user": NAME} or {"tokenId": ID}');
    const done = revoke(what);
    if (done === undefined) return refusal("too_many_revocations");
    return SHARED[await done.sharing] ?? Response.json({ ended: done.ended });
  }

  return async (request, path, from) => {
    const answered = await answer(request, path, from);
    if (answered instanceof Response) return answered;
    onRefused(answered, path, from.remoteAddress);
    return refusalResponse(answered);
  };
}

function listed(page: NodesPage): Response {
  const headers = { "Cache-Control": "no-store" };
  return Response.json(page, { status: page.problem === undefined ? 200 : 503, headers });
}

function keyProblem(verdict: Verdict | undefined): Refusal | undefined {
  if (verdict === undefined) return refusal("unauthorized", "show an API key that has `admin`");
  if ("denied" in verdict)
    return verdict.unavailable === true
      ? refusal("auth_unavailable")
      : refusal("unauthorized", verdict.denied);
  if (verdict.identity.admin === true) return undefined;
  return { ...refusal("forbidden"), text: "This needs an API key with `admin: true` in the config." };
}

function revocationOf(body: unknown): Revocation | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  const [entry, ...others] = Object.entries(body);
  if (entry === undefined || others.length > 0) return undefined;
  const [key, value] = entry;
  if (typeof value !== "string" || value === "" || value.length > MAX_NAME) return undefined;
  if (key === "user") return { user: value };
  return key === "tokenId" ? { tokenId: value } : undefined;
}
