#!/usr/bin/env bash
# Gives the gateway a role and a database of its own. Running it again changes nothing but the role's password.
#
# Passwords stay in environment variables: psql takes the admin's from there, and sends the role's as a SCRAM verifier
# that it computes itself (\password). So no process list and no statement log of the server ever shows one.
#
# PGHOST PGPORT PGSSLMODE                      the server
# ADMIN_USERNAME ADMIN_PASSWORD ADMIN_DATABASE who creates, and the database to log in to
# ROLE_USERNAME ROLE_PASSWORD DATABASE         what is created
# WAIT_SECONDS                                 how long to wait for the server
# MARK                                         if set: comment on the role; a role with another one is somebody else's
# IAM_AUTHENTICATION                           "true": the role logs in to Amazon RDS with IAM tokens, never with a password.
#                                              ROLE_PASSWORD may be left out then
set -euo pipefail
export PGCONNECT_TIMEOUT=10 PGAPPNAME=litellm-bootstrap IAM_AUTHENTICATION=${IAM_AUTHENTICATION:-false} MARK=${MARK:-}

fail() {
  printf 'bootstrap: %s\n' "$@" >&2
  exit 1
}

sql() {
  psql --no-psqlrc --no-password --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 "$@"
}

# PGDATABASE, because psql would read an argument such as "a=b" as a connection string.
as_admin() {
  PGUSER=$ADMIN_USERNAME PGPASSWORD=$ADMIN_PASSWORD PGDATABASE=${IN_DATABASE:-$ADMIN_DATABASE} sql "$@"
}

as_role() {
  PGUSER=$ROLE_USERNAME PGPASSWORD=$ROLE_PASSWORD PGDATABASE=$DATABASE sql "$@"
}

# attempt PROBLEM COMMAND...: what the command prints is shown only if it fails, below the problem in plain words.
attempt() {
  local problem=$1 output
  shift
  output=$("$@" 2>&1) || fail "$problem" "$output"
}

set_password() {
  printf '%s\n%s\n' "$ROLE_PASSWORD" "$ROLE_PASSWORD" |
    as_admin --command="SET password_encryption = 'scram-sha-256'" \
      --command='\getenv role ROLE_USERNAME' --command='\password :"role"'
}

# Until it gets its tokens the role logs in with a password, to prove that it can; nobody needs to know that one.
if [[ $IAM_AUTHENTICATION == true && -z ${ROLE_PASSWORD:-} ]]; then
  ROLE_PASSWORD=$(head --bytes=32 /dev/urandom | base64)
  export ROLE_PASSWORD
fi

server="$PGHOST:$PGPORT"
[[ -n $ADMIN_USERNAME && -n $ADMIN_PASSWORD ]] || fail 'the admin has an empty user name or password'
[[ -n $ROLE_USERNAME && -n $ROLE_PASSWORD ]] || fail 'the role has an empty user name or password'
[[ $ROLE_PASSWORD != *[$'\r\n']* ]] || fail 'the password of the role contains a line break, which psql cannot set'
[[ $ROLE_USERNAME != "$ADMIN_USERNAME" ]] ||
  fail "the gateway's role and the admin are the same ($ROLE_USERNAME): give the gateway a role of its own"

# Without TLS if need be: whether the server speaks TLS is for the login to find out, which says so.
until PGUSER=$ADMIN_USERNAME PGSSLMODE=prefer pg_isready --quiet --timeout=3; do
  if ((SECONDS >= WAIT_SECONDS)); then
    attempt "no Postgres answers at $server after $WAIT_SECONDS s: is the address right, and is it reachable from this pod?" \
      as_admin --command='SELECT 1'
    break
  fi
  sleep 1
done
attempt "admin login failed at $server, database $ADMIN_DATABASE" as_admin --command='SELECT 1'

