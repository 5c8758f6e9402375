#!/usr/bin/env bash
# Builds the server (dev profile) and starts the demo; arguments go to `rollcall demo`.
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

scripts/setup.sh build
scripts/front.sh
[[ -x $TARGET/debug/rollcall ]] || say "Building the server (the first time about 3 minutes)"
server_cargo build --bin rollcall
exec "$TARGET/debug/rollcall" demo "$@"
