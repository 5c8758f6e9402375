# shellcheck shell=bash disable=SC2034 # names set here are read by the scripts that source this file
# What the scripts of this folder share. Sourced, never run.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Tools that are built once, each under its version, for every checkout of this user.
CACHE=${ROLLCALL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rollcall}
TARGET=${CARGO_TARGET_DIR:-$ROOT/target}
cd "$ROOT"
mkdir -p "$CACHE" "$ROOT/target"

say() { printf '\n==> %s\n' "$*" >&2; }

# die WHAT [WHAT TO DO]…
die() {
    printf '\nerror: %s\n' "$1" >&2
    shift
    if (($#)); then printf '  %s\n' "$@" >&2; fi
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# locked FILE COMMAND…: two runs at once do the work one after the other; the second finds it done.
locked() {
    local file=$1
    shift
    mkdir -p "$(dirname "$file")"
    (
        if have flock && ! flock -n 9; then
            say "Waiting for another run that does the same"
            flock 9
        fi
        "$@" 9>&-
    ) 9>"$file"
}

# The version of a crate in Cargo.lock: tools that must match it follow it.
locked_version() {
    awk -v name="\"$1\"" '$1 == "name" { hit = ($3 == name) }
        hit && $1 == "version" { gsub(/"/, "", $3); print $3; exit }' Cargo.lock
}

# The server is built by the machine's own toolchain; mold, where there is one, links it faster.
server_cargo() {
    if have mold; then mold -run cargo "$@"; else cargo "$@"; fi
}

# Debian's newer toolchain (`rustc-web`) serves where rustup cannot download the browser target;
# its WebAssembly standard library is built once into the cache.
debian_sysroot() {
    [[ -x /usr/bin/rustc ]] || return 1
    printf '%s/wasm-std-%s\n' "$CACHE" "$(/usr/bin/rustc --version | tr -c 'a-zA-Z0-9.\n' '-')"
}

has_browser_target() {
    [[ -d "$(rustc --print sysroot 2>/dev/null)/lib/rustlib/wasm32-unknown-unknown/lib" ]]
}

# Sets BROWSER to what stands before `cargo` in a build for the browser; fails if nothing can.
find_browser_toolchain() {
    local sysroot
    BROWSER=(env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS)
    if has_browser_target; then return 0; fi
    sysroot=$(debian_sysroot) && [[ -e $sysroot/done ]] || return 1
    BROWSER+=(PATH="/usr/bin:$PATH"
        CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="--sysroot=$sysroot")
}

WASM_BINDGEN=$CACHE/wasm-bindgen-$(locked_version wasm-bindgen)/bin/wasm-bindgen
DENY_VERSION=0.20.2
NODE_BIN=$ROOT/end2end/node_modules/.bin

# The browser for the tests: CHROMIUM, or the first one found.
find_chromium() {
    local name
    for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome-stable google-chrome; do
        if [[ -n $name ]] && have "$name"; then
            command -v "$name"
            return 0
        fi
    done
    return 1
}

find_postgres() {
    local initdb
    for initdb in "$(command -v initdb || true)" /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb; do
        if [[ -x $initdb ]]; then
            dirname "$initdb"
            return 0
        fi
    done
    return 1
}

find_pgbouncer() {
    # Where distributions put it; the test looks in the same places.
    local place
    for place in /usr/sbin/pgbouncer /usr/bin/pgbouncer; do
        if [[ -x $place ]]; then
            echo "$place"
            return 0
        fi
    done
    return 1
}

find_nginx() {
    command -v nginx && return 0
    # Where distributions put it, outside of a user's PATH.
    if [[ -x /usr/sbin/nginx ]]; then
        echo /usr/sbin/nginx
        return 0
    fi
    return 1
}
