import { onTestFinished } from "bun:test";
import { connect } from "node:net";
import { eventually } from "./calm.ts";
import { startRedis } from "./redis-house.ts";
import { startReplayingProxy } from "./replaying-proxy.ts";
import { requires } from "./requires.ts";

requires("redis-server")("messages come as they are told to, and all else as it is", async () => {
  await using redis = await startRedis();
  using proxy = await startReplayingProxy(redis.port);
  const socket = connect(proxy.port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  let heard = "";
  socket.on("data", (bytes) => {
    heard += bytes;
  });
  socket.write("SUBSCRIBE news\r\n");
  await eventually("a subscription", () => heard.endsWith(":1\r\n"));
  const message = (text: string) => `*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$${text.length}\r\n${text}\r\n`;
  const expectHeard = async (...texts: string[]) => {
    await eventually(texts.join(" "), () => heard.endsWith(texts.map(message).join("")));
  };
  proxy.replay = (messages) => messages.flatMap((each) => [each, each]);
  await redis.command("PUBLISH", "news", "one\r\n*3");
  await expectHeard("one\r\n*3", "one\r\n*3");
  proxy.replay = () => [];
  const large = "x".repeat(200_000);
  await redis.command("PUBLISH", "news", large);
  await eventually("the large one", () => proxy.seen === 2);
  proxy.replay = undefined;
  await redis.command("PUBLISH", "news", "two");
  await expectHeard("one\r\n*3", "one\r\n*3", "two");
  heard = "";
  socket.write("PING\r\n");
  await eventually("an answer", () => heard === "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
});
