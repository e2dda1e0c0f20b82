/**
 * A child process of a bench case, which ends with the case. It also ends when
 * its standard input does, and so with this process, whatever becomes of that.
 *
 * @module
 */
import { denoRunArguments } from "../lib/deno_run.ts";

const OUTPUT_LENGTH_MAX = 16_384;

/** Runs one of this repository's programs and resolves when it has printed `readyText`. */
export async function startChild(
  script: string,
  args: readonly string[],
  readyText: string,
): Promise<AsyncDisposable> {
  const process = new Deno.Command(Deno.execPath(), {
    args: denoRunArguments(script, args),
    stdin: "piped",
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
    async [Symbol.asyncDispose]() {
      process.kill("SIGKILL");
      await process.status;
    },
  };
}

/** Runs one of this repository's programs to its end; what it printed, if it did not fail. */
export async function outputOf(
  script: string,
  args: readonly string[],
): Promise<string | undefined> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: denoRunArguments(script, args),
    stdin: "null",
    stderr: "inherit",
  }).output();
  return success ? new TextDecoder().decode(stdout) : undefined;
}

/** In a child: ends it when whoever holds the other end of its standard input lets go. */
export async function endWithStdin(): Promise<void> {
  for await (const _ of Deno.stdin.readable);
  Deno.exit();
}
