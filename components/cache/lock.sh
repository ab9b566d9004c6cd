
# Ends the login of the user whose turn is over, once nobody needs it any more. Running it again changes nothing.
#
# PATIENCE_SECONDS    how long to wait until nobody is connected as that user
rules "$ROLE_USERNAME" "$ROLE_PASSWORD" ||
  fail "user $ROLE_USERNAME cannot log in at $HOST:$PORT, so $OTHER_USERNAME is not locked; it says: ${said:0:200}"
SECONDS=0

connected() {
  as "$ROLE_USERNAME" "$ROLE_PASSWORD" CLIENT LIST | grep -c " user=$OTHER_USERNAME " || true
}

until [[ $(connected) == 0 ]] || ((SECONDS >= PATIENCE_SECONDS)); do
  sleep 1
done
if [[ $OTHER_USERNAME == default ]]; then
  # The probes of a pod that began with it still ask with its password whether the server is alive, and may do nothing else.
  ask "$ROLE_USERNAME" "$ROLE_PASSWORD" <<<"ACL SETUSER default resetkeys resetchannels -@all +ping"
else
  # Who is connected still may finish.
  ask "$ROLE_USERNAME" "$ROLE_PASSWORD" <<<"ACL SETUSER $OTHER_USERNAME off resetpass"
fi
printf 'redis: %s is locked\n' "$OTHER_USERNAME"
