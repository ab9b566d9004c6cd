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
