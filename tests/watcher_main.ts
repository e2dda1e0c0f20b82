/**
 * A client that watches a query, and says what happens to it: the tests stop it.
 * Arguments: the server's URL, and a component to read.
 *
 * @module
 */
import { connectNats } from "../lib/bus/nats_bus.ts";
import { decodeMessage } from "../lib/wire/codec.ts";
import { requestMessage } from "../lib/wire/request.ts";
import { createSubjects } from "../lib/wire/subjects.ts";

const LEASE_MS = 60_000;
const [servers, component] = Deno.args;
const { bus } = await connectNats({ servers, name: "watcher", onError: () => {} });
const deliver = "watcher.inbox";
bus.onStatus((status) => console.log(status));
bus.subscribe(deliver, (message) => {
  const { tick_id } = decodeMessage("QueryDelta", message);
  console.log(`tick ${tick_id}`);
});
await bus.flush();
await requestMessage(bus, createSubjects().queryWatch, {
  type: "QueryWatch",
  value: { query: { read: [component] }, deliver, lease_ms: LEASE_MS },
  replyType: "QueryWatchReply",
  timeoutMs: LEASE_MS,
});
