#!/bin/sh
# Creates the password of the database at the first start: for PostgreSQL, and as the password file of its clients.
set -eu

folder=/etc/hushpost
# Written last, so that an interrupted run starts again.
if [ -e "$folder/pgpass" ]; then exit 0; fi

password=$(python -c 'import secrets; print(secrets.token_urlsafe(32))')
# The group may read it: PostgreSQL runs as another user of the group. No one else may read the folder.
umask 027
printf '%s' "$password" >"$folder/password"
umask 077
printf 'database:5432:*:hushpost:%s\n' "$password" >"$folder/pgpass.new"
mv "$folder/pgpass.new" "$folder/pgpass"
