/**
 * The far half of the floor: a bare client process that answers every message
 * with a share of its bytes, and does nothing else.
 *
 * @module
 */
import { connect } from "@nats-io/transport-deno";
import { endWithStdin } from "./child.ts";

const [servers, subject, numerator, denominator] = Deno.args;
const connection = await connect({ servers });
let answer = new Uint8Array(0);
connection.subscribe(subject, {
  callback(_, message) {
    const bytes = Math.floor(message.data.length * Number(numerator) / Number(denominator));
    if (answer.length !== bytes) answer = new Uint8Array(bytes);
    message.respond(answer);
  },
});
await connection.flush();
console.log("ready");
await endWithStdin();
