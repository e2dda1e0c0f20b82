/**
 * The shell script that a server runs under, so that it never outlives the
 * process that started it, not even when that one is killed with -9: the guard
 * reads from that process, and the end of its input is the order to stop.
 *
 * @module
 */

/** The order to start the server, and to start it again once it has ended. */
export const START_ORDER = "start\n";

/** What the guard says when the server has ended, behind all that the server has said. */
export const EXIT_PATTERN = /^nats-server-guard: exited with code (\d+)$/;

/**
 * Arguments: a folder to remove at the end, a file to keep the server's process
 * id in while it runs, then the server's command line. At the end of its input
 * the server has 5 s to stop by itself; then the guard exits with its code.
 */
export const GUARD_SCRIPT = `
run=$1
pid_file=$2
shift 2
code=0
# What the shell itself has to say, nobody may read any more, and writing it would end the shell.
exec 3<&0 4>&2 2>/dev/null
while read -r _ <&3; do
  "$@" </dev/null 3<&- 2>&4 4>&- &
  server=$!
  echo "$server" >"$pid_file"
  (
    while read -r _; do :; done <&3
    kill -TERM "$server"
    tries=0
    while kill -0 "$server" && [ "$tries" -lt 50 ]; do
      sleep 0.1
      tries=$((tries + 1))
    done
    kill -KILL "$server"
  ) >/dev/null 4>&- &
  watcher=$!
  wait "$server"
  code=$?
  kill "$watcher"
  wait "$watcher"
  rm -f -- "$pid_file"
  (echo "nats-server-guard: exited with code $code" >&4)
done
rm -rf -- "$run"
exit "$code"
`;
