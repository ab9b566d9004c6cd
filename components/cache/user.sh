
# Gives the user whose turn it is its password, and leaves the one of before alone, as pods log in with it.
#
# MAX_MEMORY      bytes for data, also without a restart
# WAIT_SECONDS    how long to wait for the server
ready() {
  # A server that asks for a password has answered, too.
  [[ $(timeout 5 redis-cli -h "$HOST" -p "$PORT" PING 2>&1) =~ PONG|NOAUTH|NOPERM ]]
}
until ready; do
  ((SECONDS < WAIT_SECONDS)) || fail "no Redis answers at $HOST:$PORT after $WAIT_SECONDS s"
  sleep 1
done

hash=$(printf %s "$ROLE_PASSWORD" | sha256sum | cut -d' ' -f1)
if ! rules "$ROLE_USERNAME" "$ROLE_PASSWORD"; then
  rules "$OTHER_USERNAME" "$OTHER_PASSWORD" ||
    fail "neither $ROLE_USERNAME nor $OTHER_USERNAME can log in at $HOST:$PORT: a restart of Redis gives it the users of now"
  ask "$OTHER_USERNAME" "$OTHER_PASSWORD" <<<"ACL SETUSER $ROLE_USERNAME reset on ~* &* +@all #$hash"
fi
rules "$ROLE_USERNAME" "$ROLE_PASSWORD" || fail "user $ROLE_USERNAME cannot log in at $HOST:$PORT"
ask "$ROLE_USERNAME" "$ROLE_PASSWORD" <<<"CONFIG SET maxmemory $MAX_MEMORY"
printf 'redis: user %s can log in at %s:%s\n' "$ROLE_USERNAME" "$HOST" "$PORT"
