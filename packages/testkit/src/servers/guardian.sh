#!/bin/sh
# guardian.sh DIRECTORY SIGNAL COMMAND [ARG ...]
#
# Runs a test server so that it cannot outlive whoever started it: the starter holds the other end of our standard
# input, which the system closes when the starter ends, however it ends (kill -9 included). Then the server gets SIGNAL,
# or SIGKILL five seconds later, what it left running in our process group or below it is killed, and DIRECTORY is
# removed. Started as the leader of its own process group, so Ctrl-C reaches the starter only.
directory=$1 signal=$2
shift 2
exec 3<&0
# Not '' (ignore): that would be inherited by the server.
trap : TERM INT HUP

descendants() {
  for child in $(cat /proc/"$1"/task/*/children 2>/dev/null); do
    descendants "$child"
    echo "$child"
  done
}

"$@" </dev/null 3<&- &
server=$!
# The output is the server's alone: once the starter is gone, what the shell has to say about jobs would kill the shell.
exec >/dev/null 2>&1

(
  trap - TERM
  read -r _ <&3
  : >"$directory/.stopping"
  # Stopped, so that it starts nothing behind our list, such as the program of a connection that just came.
  kill -s STOP "$server" 2>/dev/null
  below=$(descendants "$server")
  kill -s "$signal" "$server" 2>/dev/null
  kill -s CONT "$server" 2>/dev/null
  tries=0
  while kill -0 "$server" 2>/dev/null && [ "$tries" -lt 250 ]; do
    tries=$((tries + 1))
    sleep 0.02
  done
  # shellcheck disable=SC2086
  kill -KILL "$server" $below 2>/dev/null
) &
watcher=$!

# A trapped signal ends wait early, hence the loop.
while :; do
  wait "$server"
  code=$?
  kill -0 "$server" 2>/dev/null || break
done
if [ -e "$directory/.stopping" ]; then wait "$watcher"; else kill -KILL "$watcher" 2>/dev/null; fi
rm -rf "$directory"
exit "$code"
