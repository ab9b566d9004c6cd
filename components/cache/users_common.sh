#!/usr/bin/env bash
# The users of a Redis, of which two take turns. Passwords stay in environment variables, and what the server gets is their
# SHA-256, by standard input: no process list, and no log of the server, ever shows one.
#
# HOST PORT                        the server
# WAIT_SECONDS                     how long to wait for it: a network policy may let a new pod through some seconds late
# ROLE_USERNAME ROLE_PASSWORD      the user whose turn it is
# OTHER_USERNAME OTHER_PASSWORD    the one of before, which is `default` until the first rotation
set -euo pipefail

fail() {
  printf 'redis: %s\n' "$@" >&2
  exit 1
}

as() {
  REDISCLI_AUTH=$2 timeout 10 redis-cli -h "$HOST" -p "$PORT" --no-auth-warning --user "$1" "${@:3}" 2>&1
}

# It logs in, and may change users. `said` is what the server answers.
rules() {
  said=$(as "$1" "$2" ACL WHOAMI) || true
  [[ $said == "$1" ]]
}

# ask USER PASSWORD: the commands come by standard input, and all of them must succeed.
ask() {
  local answer
  answer=$(as "$1" "$2")
  [[ -n $answer && -z $(grep -v '^OK$' <<<"$answer") ]] || fail "the server refuses: $(grep -v '^OK$' <<<"$answer" | head -c 200)"
}

ready() {
  # A server that asks for a password has answered, too.
  [[ $(timeout 5 redis-cli -h "$HOST" -p "$PORT" PING 2>&1) =~ PONG|NOAUTH|NOPERM ]]
}
until ready; do
  ((SECONDS < WAIT_SECONDS)) || fail "no Redis answers at $HOST:$PORT after $WAIT_SECONDS s"
  sleep 1
done

