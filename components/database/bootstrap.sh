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

superuser=$(
  as_admin <<'SQL'
\getenv role ROLE_USERNAME
SELECT rolname FROM pg_roles WHERE rolname = :'role' AND rolsuper
SQL
)
[[ -z $superuser ]] || fail "role $ROLE_USERNAME exists and is a superuser: give the gateway a role of its own"

if [[ -n $MARK ]]; then
  strangers=$(
    as_admin <<'SQL'
\getenv role ROLE_USERNAME
\getenv database DATABASE
\getenv mark MARK
SELECT format('role %s', rolname) FROM pg_roles
  WHERE rolname = :'role' AND shobj_description(oid, 'pg_authid') IS DISTINCT FROM :'mark'
UNION ALL SELECT format('database %s', datname) FROM pg_database
  WHERE datname = :'database' AND pg_get_userbyid(datdba) <> :'role'
SQL
  )
  [[ -z $strangers ]] || fail "${strangers//$'\n'/ and } exists already, and does not belong to $MARK: choose another name"
  # In one transaction: a role of ours is never without its mark, whenever this is interrupted.
  attempt "creating role $ROLE_USERNAME failed: does the admin have CREATEROLE?" as_admin <<'SQL'
\getenv role ROLE_USERNAME
\getenv mark MARK
SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') AS there \gset
\if :there
\else
  BEGIN;
  CREATE ROLE :"role" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
  COMMENT ON ROLE :"role" IS :'mark';
  COMMIT;
\endif
SQL
fi

attempt "creating role $ROLE_USERNAME failed: does the admin have CREATEROLE?" as_admin <<'SQL'
\getenv role ROLE_USERNAME
SELECT format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE', :'role')
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
SELECT format('ALTER ROLE %I LOGIN', rolname) FROM pg_roles WHERE rolname = :'role' AND NOT rolcanlogin \gexec
SQL

# RDS refuses the password of everybody who is a member of rds_iam, also by way of another role. So the role is none until all
# else is done; and when it becomes one, the admin must not be a member of the role.
tokens_and_database=$(
  as_admin <<'SQL'
\getenv role ROLE_USERNAME
\getenv database DATABASE
SELECT EXISTS (SELECT FROM pg_auth_members WHERE roleid IN (SELECT oid FROM pg_roles WHERE rolname = 'rds_iam')
    AND member IN (SELECT oid FROM pg_roles WHERE rolname = :'role')),
  EXISTS (SELECT FROM pg_database WHERE datname = :'database')
SQL
)
if [[ $IAM_AUTHENTICATION == true && $tokens_and_database == 't|t' ]]; then
  printf 'bootstrap: role %s logs in to database %s at %s with IAM tokens, as before\n' "$ROLE_USERNAME" "$DATABASE" "$server"
  exit 0
fi
if [[ $tokens_and_database == t* ]]; then
  attempt "letting role $ROLE_USERNAME log in with a password failed: may the admin revoke rds_iam?" as_admin <<'SQL'
\getenv role ROLE_USERNAME
REVOKE rds_iam FROM :"role";
SQL
fi

attempt "setting the password of role $ROLE_USERNAME failed: may the admin change this role?" set_password

# Only a member of the owner may create a database for it, unless a superuser does.
attempt "creating database $DATABASE failed: does the admin have CREATEDB, and may it grant role $ROLE_USERNAME?" \
  as_admin <<'SQL'
\getenv role ROLE_USERNAME
\getenv database DATABASE
SELECT NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') AS absent,
  (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser \gset
\if :absent
  \if :superuser
  \else
    GRANT :"role" TO CURRENT_USER;
  \endif
  CREATE DATABASE :"database" OWNER :"role";
\endif
SQL

owner=$(
  as_admin <<'SQL'
\getenv database DATABASE
SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = :'database'
SQL
)
if [[ $owner == "$ROLE_USERNAME" ]]; then
  attempt "role $ROLE_USERNAME cannot log in to its database $DATABASE" as_role <<'SQL'
\getenv database DATABASE
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
SQL
else
  IN_DATABASE=$DATABASE attempt "granting role $ROLE_USERNAME the use of database $DATABASE of $owner failed" as_admin <<'SQL'
\getenv role ROLE_USERNAME
\getenv database DATABASE
GRANT CONNECT, TEMPORARY ON DATABASE :"database" TO :"role";
GRANT USAGE, CREATE ON SCHEMA public TO :"role";
SQL
fi

attempt "role $ROLE_USERNAME cannot log in to database $DATABASE" as_role --command='SELECT 1'
may_create=$(as_role --command="SELECT has_schema_privilege('public', 'CREATE')")
[[ $may_create == t ]] ||
  fail "role $ROLE_USERNAME cannot create tables in database $DATABASE, which belongs to $owner: make the role its owner," \
    "or choose another database"

if [[ $IAM_AUTHENTICATION == true ]]; then
  attempt "granting rds_iam to role $ROLE_USERNAME failed: is this Amazon RDS, and may the admin grant it?" as_admin <<'SQL'
\getenv role ROLE_USERNAME
SET client_min_messages = error;
BEGIN;
REVOKE :"role" FROM CURRENT_USER;
GRANT rds_iam TO :"role";
-- From 16 on, who creates a role is a member of it for good, without inheriting: RDS does not mind that.
SELECT NOT rolsuper AND pg_has_role(oid, 'rds_iam',
    CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'USAGE' END) AS locked_out
  FROM pg_roles WHERE rolname = current_user \gset
\if :locked_out
  ROLLBACK;
  DO 'BEGIN RAISE ''the admin inherits from the role in another way, and could not log in any more''; END';
\endif
COMMIT;
SQL
  printf 'bootstrap: role %s logs in to database %s at %s with IAM tokens\n' "$ROLE_USERNAME" "$DATABASE" "$server"
  exit 0
fi
printf 'bootstrap: role %s can log in to database %s at %s\n' "$ROLE_USERNAME" "$DATABASE" "$server"
