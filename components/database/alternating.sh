
# The rest for a role with two users (after login.sh): the current one gets its password, the other one is left alone, as pods
# log in with it. Whoever is logged in acts as the owner, to whom everything belongs: tables do not notice who made them.
#
# OWNER ALTERNATE   the role itself, which is the first of its users, and the second one, a member of it
# ROLE_USERNAME     the one whose turn it is
# $1                the bootstrap of a role with one user
export OWNER ALTERNATE

superuser=$(
  as_admin <<'SQL'
\getenv role ROLE_USERNAME
\getenv owner OWNER
SELECT string_agg(rolname, ' and ') FROM pg_roles WHERE rolname IN (:'role', :'owner') AND rolsuper
SQL
)
[[ -z $superuser ]] || fail "$superuser exists and is a superuser: give the gateway a role of its own"

# What somebody made as the second user all the same, such as through a pooler that forgets whom it acts as.
owned() {
  as_admin <<'SQL'
\getenv alternate ALTERNATE
\getenv database DATABASE
SELECT count(*) FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND deptype = 'o'
  AND refobjid = (SELECT oid FROM pg_roles WHERE rolname = :'alternate')
  AND dbid = (SELECT oid FROM pg_database WHERE datname = :'database')
SQL
}

if [[ $ROLE_USERNAME == "$OWNER" && $(owned) != 0 ]]; then
  attempt "becoming a member of $OWNER and $ALTERNATE failed: may the admin grant them?" as_admin <<'SQL'
\getenv alternate ALTERNATE
\getenv owner OWNER
SET client_min_messages = error;
SELECT format('GRANT %I, %I TO CURRENT_USER', :'owner', :'alternate')
  WHERE NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) \gexec
SQL
  IN_DATABASE=$DATABASE attempt "giving what belongs to $ALTERNATE to $OWNER failed" as_admin <<'SQL'
\getenv alternate ALTERNATE
\getenv owner OWNER
REASSIGN OWNED BY :"alternate" TO :"owner";
SQL
fi

if [[ $ROLE_USERNAME == "$OWNER" ]]; then
  attempt "letting $OWNER log in again failed: may the admin change this role?" as_admin <<'SQL'
\getenv owner OWNER
SELECT format('ALTER ROLE %I VALID UNTIL ''infinity''', rolname) FROM pg_roles
  WHERE rolname = :'owner' AND rolvaliduntil < 'infinity' \gexec
SQL
  exec bash -c "$1" bootstrap
fi

there=$(
  as_admin <<'SQL'
\getenv owner OWNER
\getenv database DATABASE
SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :'owner') AND EXISTS (SELECT FROM pg_database WHERE datname = :'database')
SQL
)
if [[ $there != t ]]; then
  # A new server. Nobody needs to know the password of a user whose turn it is not.
  ROLE_USERNAME=$OWNER ROLE_PASSWORD=$(head --bytes=32 /dev/urandom | base64 --wrap=0) bash -c "$1" bootstrap
fi

strangers=$(
  as_admin <<'SQL'
\getenv role ROLE_USERNAME
\getenv owner OWNER
\getenv mark MARK
SELECT rolname FROM pg_roles
  WHERE rolname = :'role' AND NOT pg_has_role(oid, (SELECT oid FROM pg_roles WHERE rolname = :'owner'), 'MEMBER')
UNION SELECT rolname FROM pg_roles
  WHERE :'mark' <> '' AND rolname IN (:'role', :'owner') AND shobj_description(oid, 'pg_authid') IS DISTINCT FROM :'mark'
SQL
)
[[ -z $strangers ]] || fail "role ${strangers//$'\n'/ and } exists already, and is no user of $OWNER's${MARK:+ that belongs to $MARK}:" \
  "drop it, or set database.rotationStrategy to single-user"

# In one transaction: the second user is never there without being a member, whenever this is interrupted.
attempt "creating $ROLE_USERNAME, the second user of $OWNER, failed: does the admin have CREATEROLE, and may it grant $OWNER?" \
  as_admin <<'SQL'
\getenv role ROLE_USERNAME
\getenv owner OWNER
\getenv mark MARK
SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') AS there, :'mark' <> '' AS marked \gset
BEGIN;
\if :there
  ALTER ROLE :"role" LOGIN VALID UNTIL 'infinity';
\else
  CREATE ROLE :"role" LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE IN ROLE :"owner";
  \if :marked
    COMMENT ON ROLE :"role" IS :'mark';
  \endif
\endif
COMMIT;
SQL
attempt "setting the password of $ROLE_USERNAME failed: may the admin change this role?" set_password

attempt "user $ROLE_USERNAME cannot log in to database $DATABASE, and act as $OWNER" as_role <<'SQL'
\getenv role ROLE_USERNAME
\getenv owner OWNER
SET client_min_messages = error;
SET ROLE NONE;
ALTER ROLE :"role" SET role TO :"owner";
REASSIGN OWNED BY :"role" TO :"owner";
SQL
acts=$(as_role --command="SELECT current_user, has_schema_privilege('public', 'CREATE')")
[[ $acts == "$OWNER|t" ]] || fail "user $ROLE_USERNAME cannot create tables in database $DATABASE as $OWNER"
printf 'bootstrap: user %s can log in to database %s at %s, and acts as %s\n' "$ROLE_USERNAME" "$DATABASE" "$server" "$OWNER"
