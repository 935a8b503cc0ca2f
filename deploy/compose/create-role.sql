-- Creates the role and the database of the authorities, when PostgreSQL initializes its data folder.
-- The role owns the database and is no superuser. What follows lets `hushpost scrub` remove old WAL.
\set password `cat /etc/hushpost/password`
create role hushpost login password :'password';
create database hushpost owner hushpost;
grant pg_checkpoint to hushpost;
\connect hushpost
grant execute on function pg_switch_wal(), pg_ls_waldir() to hushpost;
-- The image has given the superuser the same password. Without one, it can connect inside the container only.
alter role postgres password null;
