// Talks to a TCP service by lines: one message is one line, each way.
const socket = new WebSocket("ws://127.0.0.1:8080/lines");
socket.onopen = () => socket.send("live");
socket.onmessage = ({ data }) => {
  console.log(data);
  socket.close();
};
