#!/usr/bin/env bash
# Builds the server (dev profile) and starts the demo; arguments go to `rollcall demo`.
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

LOG=$ROOT/target/server-build.log

# The server compiles while the pages' assets are made: the one needs nothing of the other, and each
# alone leaves a core idle much of the time.
scripts/setup.sh basics
[[ -x $TARGET/debug/rollcall ]] || say "Building the server meanwhile (the first time about 6 minutes)"
server_cargo build --bin rollcall >"$LOG" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT
scripts/setup.sh build
scripts/front.sh
if kill -0 "$server" 2>/dev/null; then say "Waiting for the server (what it compiles: target/server-build.log)"; fi
wait "$server" || {
    tail -n 60 "$LOG" >&2
    die "the server did not build." "Read the first error above; if it could not download, run this again with a network."
}
trap - EXIT
exec "$TARGET/debug/rollcall" demo "$@"
