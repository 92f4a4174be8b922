#!/bin/sh
# The entry point of SeaweedFS's image for `server`, and nothing else.
set -eu
[ "${1:-}" = server ] || exec "$@"
shift
exec /usr/bin/weed -logtostderr=true server -dir=/data -volume.max=0 -master.volumeSizeLimitMB=1024 "$@"
