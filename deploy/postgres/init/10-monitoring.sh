#!/bin/sh
# Runs once, when the data folder is made: statistics of statements, and a login that may look at statistics alone.
set -eu
password="$(cat /run/secrets/monitor_password)"
psql -v ON_ERROR_STOP=1 -v password="$password" --username "$POSTGRES_USER" --dbname postgres <<'SQL'
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
CREATE ROLE larder_monitor LOGIN PASSWORD :'password' IN ROLE pg_monitor;
SQL
