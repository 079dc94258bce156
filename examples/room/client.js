// Three people in one room; the last to come says hello, and all hear it.
const names = ["ann", "bob", "cy"];
let here = 0;
for (const name of names) {
  const socket = new WebSocket("ws://127.0.0.1:8080/room/lobby");
  socket.onopen = () => {
    here += 1;
    if (here === names.length) socket.send("hello, all");
  };
  socket.onmessage = ({ data }) => {
    console.log(`${name} hears: ${data}`);
    socket.close();
  };
}
