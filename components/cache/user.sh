
# Gives the user whose turn it is its password, and leaves the one of before alone, as pods log in with it.
#
# MAX_MEMORY      bytes for data, also without a restart
hash=$(printf %s "$ROLE_PASSWORD" | sha256sum | cut -d' ' -f1)
if ! rules "$ROLE_USERNAME" "$ROLE_PASSWORD"; then
  rules "$OTHER_USERNAME" "$OTHER_PASSWORD" ||
    fail "neither $ROLE_USERNAME nor $OTHER_USERNAME can log in at $HOST:$PORT: a restart of Redis gives it the users of now (it says: ${said:0:200})"
  ask "$OTHER_USERNAME" "$OTHER_PASSWORD" <<<"ACL SETUSER $ROLE_USERNAME reset on ~* &* +@all #$hash"
fi
rules "$ROLE_USERNAME" "$ROLE_PASSWORD" || fail "user $ROLE_USERNAME cannot log in at $HOST:$PORT, which says: ${said:0:200}"
ask "$ROLE_USERNAME" "$ROLE_PASSWORD" <<<"CONFIG SET maxmemory $MAX_MEMORY"
printf 'redis: user %s can log in at %s:%s\n' "$ROLE_USERNAME" "$HOST" "$PORT"
