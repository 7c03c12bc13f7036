#!/bin/sh
# Breaks the running catalog: chaos.sh 500 [PERCENT|delete], chaos.sh latency [MS|delete]
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
PATH="$here/../../node_modules/.bin:$PATH" exec node "$here/chaos.ts" "$@"
