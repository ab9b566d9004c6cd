#!/usr/bin/env bash
# Takes back what bootstrap.sh gave: the database and the role of one environment, in a Postgres that others use too.
# The role must carry the comment MARK, and own the database: nothing else is touched. The variables are those of bootstrap.sh.
set -euo pipefail
export PGCONNECT_TIMEOUT=10 PGAPPNAME=litellm-drop

sql() {
  PGUSER=$ADMIN_USERNAME PGPASSWORD=$ADMIN_PASSWORD PGDATABASE=$ADMIN_DATABASE \
    psql --no-psqlrc --no-password --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 "$@"
}

# Where two users take turns, the role is the owner, whoever logs in now.
export ROLE_USERNAME=${OWNER:-$ROLE_USERNAME} ALTERNATE=${ALTERNATE:-}
[[ -n $MARK ]] || { echo 'drop: no MARK, so nothing here can be known to be ours' >&2; exit 1; }
sql <<'SQL'
\getenv role ROLE_USERNAME
\getenv database DATABASE
\getenv mark MARK
\getenv alternate ALTERNATE
SELECT EXISTS (SELECT FROM pg_roles
  WHERE rolname = :'role' AND shobj_description(oid, 'pg_authid') = :'mark') AS ours \gset
\if :ours
  SELECT EXISTS (SELECT FROM pg_database
    WHERE datname = :'database' AND pg_get_userbyid(datdba) = :'role') AS there \gset
  \if :there
    DROP DATABASE :"database" WITH (FORCE);
  \endif
  SELECT format('DROP ROLE %I', rolname) FROM pg_roles
    WHERE rolname = :'alternate' AND shobj_description(oid, 'pg_authid') = :'mark' \gexec
  DROP ROLE :"role";
\endif
SQL
printf 'drop: database %s and role %s are gone\n' "$DATABASE" "$ROLE_USERNAME"
