// A center and a local meet in the group "lab". The local says hello and leaves.
/**
 * @param {string} role
 * @param {(message: { sender_type: string, message_type: string | null, content: string }, say: (content: string, type?: string) => void) => void} hear
 */
function join(role, hear) {
  const socket = new WebSocket("ws://127.0.0.1:8080/pair");
  /** @param {string} content @param {string} [type] */
  const say = (content, type) => {
    const envelope = { group_id: "lab", sender_type: role, receiver_type: "", content, message_type: type };
    socket.send(JSON.stringify(envelope));
  };
  socket.onopen = () => say("register");
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    console.log(`${role} hears ${message.sender_type}: ${message.content}`);
    hear(message, say);
  };
}

let isTogether = false;
join("center", (message, say) => {
  if (message.message_type === "disconnect") say("", "disconnect");
  if (isTogether) return;
  isTogether = true;
  join("local", (reply, sayAsLocal) => {
    if (reply.content.startsWith("Connected")) sayAsLocal("hello");
    if (reply.content === "Message sent") sayAsLocal("", "disconnect");
  });
});
