/**
 * A worker that computes the numbers that it is sent, and sends them back.
 *
 * @module
 */
import { parentPort } from "node:worker_threads";
import { mixAll } from "./worlds/systems/mixing.ts";

parentPort?.on("message", (states: Uint32Array<ArrayBuffer>) => {
  mixAll(states);
  parentPort?.postMessage(states, [states.buffer]);
});
