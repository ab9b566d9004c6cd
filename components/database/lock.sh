
# Ends the login of the user whose turn is over (after login.sh), once nobody needs it any more. Running it again changes nothing.
#
# OWNER ALTERNATE      the two users; ROLE_USERNAME is the one whose turn it is, and must be able to log in first
# PATIENCE_SECONDS  how long to wait until nobody is connected as the other one
# DRAIN_SECONDS     how long pods that are stopping may need it after that
export OWNER ALTERNATE
PREVIOUS=$OWNER
[[ $ROLE_USERNAME != "$OWNER" ]] || PREVIOUS=$ALTERNATE
export PREVIOUS

attempt "user $ROLE_USERNAME cannot log in to database $DATABASE, so $PREVIOUS is not locked" as_role --command='SELECT 1'

may_log_in() {
  as_admin <<'SQL'
\getenv previous PREVIOUS
SELECT rolname FROM pg_roles WHERE rolname = :'previous' AND rolcanlogin
SQL
}

connected() {
  as_admin <<'SQL'
\getenv previous PREVIOUS
SELECT count(*) FROM pg_stat_activity WHERE usename = :'previous'
SQL
}

[[ -n $(may_log_in) ]] || { printf 'lock: %s cannot log in\n' "$PREVIOUS"; exit 0; }

patience=$((SECONDS + PATIENCE_SECONDS))
until [[ $(connected) == 0 ]]; do
  if ((SECONDS >= patience)); then
    # Long streams, and poolers that keep connections: Postgres itself ends the password when the last pod must be gone.
    export DRAIN_SECONDS
    attempt "letting the password of $PREVIOUS expire failed: may the admin change this role?" as_admin <<'SQL'
\getenv previous PREVIOUS
\getenv seconds DRAIN_SECONDS
SELECT format('ALTER ROLE %I VALID UNTIL %L', rolname, now() + make_interval(secs => :'seconds')) FROM pg_roles
  WHERE rolname = :'previous' AND (rolvaliduntil IS NULL OR rolvaliduntil > now() + make_interval(secs => :'seconds')) \gexec
SQL
    printf 'lock: %s still has connections; its password ends in %s s at most\n' "$PREVIOUS" "$DRAIN_SECONDS"
    exit 0
  fi
  sleep 1
done

attempt "locking $PREVIOUS failed: may the admin change this role?" as_admin <<'SQL'
\getenv previous PREVIOUS
ALTER ROLE :"previous" NOLOGIN;
SQL
printf 'lock: %s cannot log in any more\n' "$PREVIOUS"
