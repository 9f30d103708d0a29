#!/bin/sh
# Sets the example up where that is left to do, serves Auditapp and the CRM, and stops both on Ctrl-C.
set -eu
umask 077
cd "$(dirname "$0")/../.."
kept=${CRM_KEPT:-$PWD/examples/crm/instance}
mkdir -p "$kept"
export HOST=127.0.0.1 PORT="${PORT:-5010}" CRM_PORT="${CRM_PORT:-5011}"
export AUDITAPP_DATABASE_URL="${AUDITAPP_DATABASE_URL:-sqlite:///$kept/crm.db}"
export CRM_AUDITAPP_URL="http://$HOST:$PORT" PYTHONPATH="$PWD"
flask() { .venv/bin/flask --app app "$@"; }

if [ ! -s "$kept/key" ]; then
    echo "Making the workspace crm …"
    flask db upgrade
    flask workspace create crm --name CRM --owner admin@crm.example >"$kept/link" 2>&1 || { cat "$kept/link"; exit 1; }
    .venv/bin/python -c 'import secrets; print(secrets.token_urlsafe(12))' >"$kept/password"
    flask user create ada@crm.example --name "Ada Marsh" --workspace crm --role Owner --password-stdin <"$kept/password"
    flask api-key create --workspace crm --name CRM --scope events:write >"$kept/key"
fi
CRM_API_KEY=$(cat "$kept/key")
export CRM_API_KEY

# Whichever of the two ends, for whatever reason, ends this script, and that ends the other. A session of
# its own keeps Ctrl-C from a server: with that and our signal it would have two at once, and may hang.
serve() {
    .venv/bin/python -c 'import os, sys; os.setsid(); os.execv(sys.executable, [sys.executable, sys.argv[1]])' \
        "$1" >>"$kept/output.log" &
    trap 'kill $! 2>/dev/null; wait $!; exit' TERM
    wait $! || true
    kill $$
}
serve app.py & auditapp=$!
other=
stop() {
    trap '' TERM INT HUP
    kill "$auditapp" $other 2>/dev/null || true
    wait
    echo "Stopped; what was recorded stays in $kept."
    exit "$1"
}
trap 'stop 0' INT HUP
trap 'stop 1' TERM
.venv/bin/python -c '
import sys, time, urllib.request
for attempt in range(120):
    try:
        sys.exit(urllib.request.urlopen(sys.argv[1]).status != 200)
    except OSError:
        time.sleep(0.5)
sys.exit("Auditapp does not start")
' "$CRM_AUDITAPP_URL/readyz" &
other=$!
wait $other || stop 1 # unlike a program in front, a wait lets the end of Auditapp stop us at once
serve examples/crm/crm.py & other=$!
cat <<END

The CRM is at  http://127.0.0.1:$CRM_PORT  (Ctrl-C stops both)
Auditapp is at $CRM_AUDITAPP_URL/w/crm/timeline
  sign in as ada@crm.example with $(cat "$kept/password")
END
wait
