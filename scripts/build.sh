#!/usr/bin/env bash
# Leaves dist/rollcall: the release executable with the pages' assets inside.
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

scripts/setup.sh build
scripts/front.sh
say "Building the release executable (the first time about 5 minutes)"
MEMORY_SERVE_QUIET=1 server_cargo build --release --bin rollcall --features embed
mkdir -p dist
# A new file in its place: the old one may be running.
cp "$TARGET/release/rollcall" dist/rollcall.new
mv dist/rollcall.new dist/rollcall
say "dist/rollcall, $(du -h dist/rollcall | cut -f1)"
