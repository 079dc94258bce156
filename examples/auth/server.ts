// The server of an application, on http://127.0.0.1:9000. It gives out the page, knows who has logged in, makes their tokens, and publishes with an API key.
import { join } from "node:path";
import type { BunRequest } from "bun";
import { exportJWK, generateKeyPair, SignJWT } from "jose";

const LIBRARY = join(import.meta.dir, "../../dist/client/index.js");
const [, , port = 9000, gateway = "http://127.0.0.1:8080"] = process.argv;
const API_KEY = process.env["API_KEY"] ?? "fl_u0PQFD-Rkqt75GxeciXSF75r3L3FUhcsitNzvX4vn4w";

// A new pair at each start, and a new name for it: the gateway asks for keys that it does not know. In earnest it comes from a file.
const { privateKey, publicKey } = await generateKeyPair("ES256");
const kid = crypto.randomUUID();
const keys = [{ ...(await exportJWK(publicKey)), kid, alg: "ES256" }];

/** Five minutes: who is logged out, or locked out, has lost the gateway as well by then. */
function tokenFor(user: string) {
  return new SignJWT({})
    .setProtectedHeader({ alg: "ES256", kid })
    .setIssuer("the-app")
    .setAudience("realtime")
    .setSubject(user)
    .setIssuedAt()
    .setExpirationTime("5m")
    .sign(privateKey);
}

// Who has logged in: the cookie's random id, and the user. It takes any name, and no password.
const users = new Map<string, string>();
const userOf = ({ cookies }: BunRequest) => users.get(cookies.get("session") ?? "");

async function logIn(request: BunRequest) {
  const name = (await request.text()).trim();
  if (name === "" || name.length > 30) return new Response("Say your name.\n", { status: 400 });
  const id = crypto.randomUUID();
  users.set(id, name);
  request.cookies.set("session", id, { httpOnly: true, sameSite: "strict" });
  await publish("logins", { text: `${name} has logged in` });
  return new Response(null, { status: 204 });
}

async function token(request: BunRequest) {
  const user = userOf(request);
  if (user === undefined) return new Response("Log in first.\n", { status: 401 });
  return new Response(await tokenFor(user), { headers: { "Cache-Control": "no-store" } });
}

async function publish(topic: string, news: { text: string }) {
  const answer = await fetch(`${gateway}/news/${topic}`, {
    method: "POST",
    headers: { Authorization: `Bearer ${API_KEY}`, "Content-Type": "application/json" },
    body: JSON.stringify(news),
  });
  if (!answer.ok) console.error(`not published: ${await answer.text()}`);
}

if (!(await Bun.file(LIBRARY).exists())) {
  console.error("The library is not built yet: npm run build");
  process.exit(1);
}

const file = (path: string) => () => new Response(Bun.file(path));
const server = Bun.serve({
  hostname: "127.0.0.1",
  port,
  routes: {
    "/": file(join(import.meta.dir, "index.html")),
    "/style.css": file(join(import.meta.dir, "../style.css")),
    "/fairlead-client.js": file(LIBRARY),
    "/keys": () => Response.json({ keys }),
    "/token": token,
    "/login": { POST: logIn },
  },
  fetch: () => new Response("There is only the page.\n", { status: 404 }),
});
console.log(server.url.href);
