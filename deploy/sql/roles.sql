-- The roles and the database of uHub, for psql as an administrator:
--   psql -v ON_ERROR_STOP=1 -v runtime=… -v owner=… -v platform=… -v dispatch=… -f roles.sql
-- where each variable is a password. `manage.py db_roles` does the same, repeatably.

CREATE ROLE uhub_owner    LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB PASSWORD :'owner';
CREATE ROLE uhub_runtime  LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB PASSWORD :'runtime';
CREATE ROLE uhub_platform LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB PASSWORD :'platform';
CREATE ROLE uhub_dispatch LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB PASSWORD :'dispatch';

-- No role is a member of another: a policy made for one would apply to its members as well.
ALTER ROLE uhub_owner    SET search_path = public;
ALTER ROLE uhub_runtime  SET search_path = public;
ALTER ROLE uhub_platform SET search_path = public;
ALTER ROLE uhub_dispatch SET search_path = public;

CREATE DATABASE uhub OWNER uhub_owner ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE uhub FROM PUBLIC;
GRANT CONNECT ON DATABASE uhub TO uhub_owner, uhub_runtime, uhub_platform, uhub_dispatch;

\connect uhub
ALTER SCHEMA public OWNER TO uhub_owner;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO uhub_owner, uhub_runtime, uhub_platform, uhub_dispatch;
