/**
 * A child process of a bench case, which ends with the case.
 *
 * @module
 */
import { denoRunArguments } from "../lib/deno_run.ts";

export interface Child extends AsyncDisposable {
  readonly process: Deno.ChildProcess;
}

/** Runs one of this repository's programs and resolves when it has printed `readyText`. */
export async function startChild(
  script: string,
  args: readonly string[],
  readyText: string,
): Promise<Child> {
  const process = new Deno.Command(Deno.execPath(), {
    args: denoRunArguments(script, args),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const ready = Promise.withResolvers<void>();
  let output = "";
  for (const stream of [process.stdout, process.stderr]) {
    (async () => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) {
        output = (output + text).slice(-OUTPUT_LENGTH_MAX);
        if (output.includes(readyText)) ready.resolve();
      }
      ready.reject(new Error(`${script} ended before it was ready:\n${output}`));
    })();
  }
  await ready.promise;
  return {
    process,
    async [Symbol.asyncDispose]() {
      process.kill("SIGKILL");
      await process.status;
    },
  };
}

const OUTPUT_LENGTH_MAX = 16_384;
