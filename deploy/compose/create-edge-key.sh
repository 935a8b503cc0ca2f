#!/bin/sh
# Creates the API key of the edges at the first start.
set -eu

key=/etc/hushpost/edge.key
if [ -e "$key" ]; then exit 0; fi

exec hushpost keys create edge "$key" --name compose --no-tls --api-key-file /keys/admin.key
