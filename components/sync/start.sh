#!/bin/sh
# Starts a program with environment variables out of files that Vault Agent wrote, one for each value.
#
#   start.sh once|watch SPREAD_SECONDS NAME=FILE... FOLDER/... -- PROGRAM ARGUMENT...
#
# A folder stands for all of its files, each called like its variable. What the container has already stays as it is.
# With `watch`, the program is asked to stop when a file has changed, and Kubernetes starts it again, with the new values: at a
# moment of its own within SPREAD_SECONDS, so that not all pods go at once. The salt key is not among what is watched: a running
# gateway keeps the one that its database was written with.
set -eu
mode=$1 spread=$2 files=
shift 2

fail() {
  echo "start: $1" >&2
  exit 1
}

take() {
  case $1 in '' | *[!A-Za-z0-9_]* | [0-9]*) fail 'a file is called like no variable' ;; esac
  [ -r "$2" ] || fail "$1 was not delivered: is Vault's Agent Injector in this cluster, and does it serve this namespace?"
  [ "$1" = LITELLM_SALT_KEY ] || files="$files $2"
  eval "[ -n \"\${$1+given}\" ]" || export "$1=$(cat "$2")"
}

state() {
  cat $files 2>/dev/null | cksum
}

watch() {
  last=$before
  while sleep "$PAUSE"; do
    kill -0 "$1" 2>/dev/null || return
    now=$(state)
    if [ "$now" != "$before" ] && [ "$now" = "$last" ]; then
      echo 'start: a value has changed in Vault: the program stops, and starts again with it' >&2
      sleep $(($(od -An -N2 -tu2 /dev/urandom) % (spread + 1)))
      while kill -TERM "$1" 2>/dev/null; do sleep 60; done
      return
    fi
    last=$now
  done
}

PAUSE=${START_PAUSE_SECONDS:-5}
while [ "$1" != -- ]; do
  case $1 in
    */) for file in "$1"*; do take "${file##*/}" "$file"; done ;;
    *) take "${1%%=*}" "${1#*=}" ;;
  esac
  shift
done
shift
if [ "$mode" = watch ]; then
  before=$(state)
  watch $$ &
fi
exec "$@"
