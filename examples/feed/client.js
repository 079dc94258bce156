// Prints two messages of one topic, and leaves.
const socket = new WebSocket("ws://127.0.0.1:8080/feed/prices.AAPL");
let left = 2;
socket.onmessage = ({ data }) => {
  console.log(data);
  left -= 1;
  if (left === 0) socket.close();
};
