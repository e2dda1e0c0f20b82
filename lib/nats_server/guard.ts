/**
 * The shell script that a server runs under, so that it never outlives the
 * process that started it, not even when that one is killed with -9: the guard
 * reads from that process, and the end of its input is the order to stop.
 *
 * @module
 */

/**
 * Arguments: a folder to remove at the end, a file to keep the server's process
 * id in while it runs, then the server's command line. The server has 5 s to
 * stop by itself. When it exits, the guard exits with its code.
 */
export const GUARD_SCRIPT = `
run=$1
pid_file=$2
shift 2
exec 3<&0
"$@" </dev/null 3<&- &
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
) >/dev/null 2>&1 &
watcher=$!
exec 3<&-
wait "$server"
code=$?
kill "$watcher" 2>/dev/null
rm -f -- "$pid_file"
rm -rf -- "$run"
exit "$code"
`;
