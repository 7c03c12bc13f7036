#!/bin/sh
# Breaks the catalogs of kubectl's current namespace, as ../chaos.sh breaks those of this machine, from inside their pods.
case "$1/$2" in
  500/delete | latency/delete) blowup="{\"active\":false,\"type\":\"$1\"}" ;;
  */*[!0-9]*) ;;
  500/*) blowup="{\"active\":true,\"type\":\"500\",\"percentage\":${2:-100}}" ;;
  latency/*) blowup="{\"active\":true,\"type\":\"latency\",\"latencyMs\":${2:-1000}}" ;;
esac
if [ -z "$blowup" ]; then
  echo "usage: chaos.sh 500 [PERCENT=100|delete]" >&2
  echo "       chaos.sh latency [MS=1000|delete]" >&2
  exit 64
fi
for pod in $(kubectl get pods -l app=catalog -o name); do
  kubectl exec "$pod" -c catalog -- curl -sS -H "content-type: application/json" -d "$blowup" http://127.0.0.1:3000/blowup
  echo
done
