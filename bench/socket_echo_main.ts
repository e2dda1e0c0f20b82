/**
 * The far half of the lowest floor: a process that answers every message with a
 * share of its bytes, over a bare socket.
 *
 * @module
 */
import { endWithStdin } from "./child.ts";
import { NatsSocket, publishFrame } from "./nats_socket.ts";

const [servers, subject, inbox, numerator, denominator] = Deno.args;
let frame = publishFrame(inbox, 0);
let frameOf = 0;
const socket = await NatsSocket.open(servers, {
  subject,
  onMessage(received) {
    if (received !== frameOf) {
      frame = publishFrame(inbox, Math.floor(received * Number(numerator) / Number(denominator)));
      frameOf = received;
    }
    socket.send(frame);
  },
});
console.log("ready");
await endWithStdin();
