/** What must hold once all is mended: nodes answer, have one history and one list of members, and nobody is left behind. */
import { until } from "../../calm.ts";
import { type Frame, speak, type V1Client } from "../../v1-client.ts";
import type { Books } from "./books.ts";
import type { Crowd } from "./crowd.ts";
import type { Members } from "./members.ts";

/** Every writer is answered, all readers get to the last message, and the nodes' histories are one, with all that was answered. */
export async function agreeOnLog(
  urls: readonly string[],
  topic: string,
  crowd: Crowd,
  books: Books,
): Promise<void> {
  for (const writer of crowd.writers)
    await until("a publish is answered", async () => (await crowd.publish(writer, 1)) === 1);
  crowd.check();
  const clients = await Promise.all(urls.map((url) => speak(url)));
  const histories = await Promise.all(clients.map((client) => wholeHistory(client, topic)));
  for (const client of clients) client.close();
  for (const { epoch, messages } of histories) books.settle(epoch, messages);
  const heads = new Set(histories.map(({ epoch, messages }) => `${epoch}:${messages.length}`));
  if (heads.size !== 1) throw new Error(`nodes show different histories, up to ${[...heads]}`);
  const [head] = heads;
  await until(`every reader gets to ${head}`, () => {
    crowd.check();
    crowd.gather();
    return crowd.readers.every(({ at }) => `${at?.epoch}:${at?.offset}` === head);
  });
}

/** Within so many seconds: each member's list, and what each node answers. */
export async function agreeOnMembers(
  urls: readonly string[],
  topic: string,
  members: Members,
  seconds: number,
): Promise<void> {
  const look = async () => {
    members.check();
    members.gather();
    wrong = members.wrong() ?? (await wrongAnswer(urls, topic, members.present));
    return wrong === undefined;
  };
  let wrong: string | undefined;
  await until("the lists of members are right", look, seconds, () => wrong);
}

async function wrongAnswer(
  urls: readonly string[],
  topic: string,
  present: readonly string[],
): Promise<string | undefined> {
  const right = present.toSorted().join(" ");
  for (const [node, url] of urls.entries()) {
    using client = await speak(url);
    // A node that has no way to Redis yet says so, and ends the connection.
    if (client.welcome["t"] !== "welcome") return `node ${node} says ${JSON.stringify(client.welcome)}`;
    const gone = client.closed().then((): Frame => ({}));
    const page = await Promise.race([client.ask({ t: "who", topic, limit: 1_000 }), gone]);
    const list = (page["members"] as { readonly conn: string }[] | undefined) ?? [];
    const found = list
      .map(({ conn }) => conn)
      .toSorted()
      .join(" ");
    if (found !== right || page["total"] !== present.length)
      return `node ${node} answers ${JSON.stringify(page)} where ${right} are`;
  }
  return undefined;
}

interface History {
  readonly epoch: string;
  readonly messages: readonly { readonly offset: number; readonly data: string }[];
}

async function wholeHistory(client: V1Client, topic: string): Promise<History> {
  const messages: { offset: number; data: string }[] = [];
  for (;;) {
    const { epoch } = await client.ask({ t: "history", topic, limit: 0 });
    const since = { epoch, offset: messages.at(-1)?.offset ?? 0 };
    const page = await client.ask({ t: "history", topic, since, limit: 1_000 });
    const said = () => JSON.stringify(page).slice(0, 300);
    if (page["complete"] !== true) throw new Error(`the history lacks something: ${said()}`);
    messages.push(...(page["messages"] as typeof messages));
    if (page["more"] !== true) return { epoch: String(epoch), messages };
  }
}
