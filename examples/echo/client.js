// Says one thing and prints what comes back. Runs in a browser, too.
const socket = new WebSocket("ws://127.0.0.1:8080/echo");
socket.onopen = () => socket.send("hello");
socket.onmessage = ({ data }) => {
  console.log(data);
  if (data === "hello") socket.close();
};
