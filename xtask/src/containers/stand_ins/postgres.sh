#!/bin/sh
# What the official image's entry point does with the settings that the compose files use: makes the cluster on first
# start, runs the scripts of /docker-entrypoint-initdb.d against it, and then serves, never as root.
set -eu
PGDATA=/var/lib/postgresql/data
export PGDATA PATH="/usr/lib/postgresql/17/bin:$PATH"
if [ "$1" != postgres ]; then exec "$@"; fi
if [ "$(id -u)" = 0 ]; then
    chown postgres:postgres "$PGDATA"
    chmod 700 "$PGDATA"
    exec setpriv --reuid postgres --regid postgres --init-groups "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    # shellcheck disable=SC2086 # it is several words
    initdb --username "$POSTGRES_USER" --pwfile "$POSTGRES_PASSWORD_FILE" --auth scram-sha-256 $POSTGRES_INITDB_ARGS
    PGPASSWORD="$(cat "$POSTGRES_PASSWORD_FILE")"
    export PGPASSWORD
    pg_ctl --wait --options "$(printf ' %s' "$@" | sed 's/^ postgres//') -c listen_addresses= -p 5432" start
    createdb --username "$POSTGRES_USER" --maintenance-db postgres "$POSTGRES_DB"
    for script in /docker-entrypoint-initdb.d/*.sh; do sh "$script"; done
    pg_ctl --wait --mode fast stop
    unset PGPASSWORD
fi
exec "$@" -c listen_addresses='*'
