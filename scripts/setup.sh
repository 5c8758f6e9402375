#!/usr/bin/env bash
# Puts in place what is missing, and only that: `setup.sh basics` for a compiler, `build` for a build, `test` for all.
# Repeatable; nothing is fetched or built when it is there already.
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

# packages WHY PACKAGE…: Debian packages; elsewhere, says what to install.
packages() {
    local why=$1 install sudo=()
    shift
    if ! have apt-get; then
        die "$why is missing." "Install it with your package manager (Debian calls it: $*), then run this again."
    fi
    if [[ $(id -u) != 0 ]]; then
        have sudo || die "$why is missing, and installing it needs root." "As root: apt-get install --no-install-recommends $*"
        sudo=(sudo)
    fi
    say "Installing $why: $* (about a minute)"
    install=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600
        install -y -q --no-install-recommends --no-remove "$@")
    "${install[@]}" </dev/null >&2 && return 0
    "${sudo[@]}" apt-get update -q </dev/null >&2 || true
    "${install[@]}" </dev/null >&2 || die "$why could not be installed." \
        "See apt's words above; by hand: apt-get install --no-install-recommends $*"
}

basics() {
    have cargo || die "no Rust toolchain." "Install one from https://rustup.rs or your distribution (Rust 1.94 or newer)."
    local wanted found
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    found=$(rustc --version | awk '{ print $2 }')
    if [[ $(printf '%s\n%s\n' "$wanted" "$found" | sort -V | head -n 1) != "$wanted" ]]; then
        die "Rust $found is too old: Rollcall needs $wanted or newer." "rustup update stable"
    fi
    have cc || packages "a C compiler" gcc libc6-dev
}

# --- the browser's standard library -------------------------------------------------------------

build_wasm_std() {
    local sysroot=$1 work host lib
    [[ ! -e $sysroot/done ]] || return 0
    say "Building Rust's standard library for the browser (once, about 30 seconds)"
    work=$(mktemp -d "$CACHE/std.XXXXXX")
    printf '[package]\nname = "empty"\nedition = "2024"\n[lib]\npath = "lib.rs"\n' >"$work/Cargo.toml"
    echo '#![no_std]' >"$work/lib.rs"
    # Bitcode in the libraries: without it, fat LTO fails with "failed to get bitcode".
    (cd "$work" && env PATH="/usr/bin:$PATH" RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Cembed-bitcode=yes \
        CARGO_TARGET_DIR="$work/target" cargo build --quiet --release \
        -Zbuild-std=std,panic_abort --target wasm32-unknown-unknown) ||
        die "the standard library did not build." "The packages rust-web-src and rustc-web must be of one version."
    host=$(/usr/bin/rustc -vV | sed -n 's/^host: //p')
    lib=$sysroot/lib/rustlib/wasm32-unknown-unknown/lib
    rm -rf "$sysroot"
    mkdir -p "$lib"
    rm -f "$work"/target/wasm32-unknown-unknown/release/deps/libempty-*
    cp "$work"/target/wasm32-unknown-unknown/release/deps/*.rlib "$lib"
    ln -s "/usr/lib/rustlib/$host" "$sysroot/lib/rustlib/$host"
    rm -rf "$work"
    touch "$sysroot/done"
}

browser_target() {
    if find_browser_toolchain; then return 0; fi
    if have rustup; then
        say "Adding Rust's browser target with rustup (seconds; given up after 20)"
        if timeout 20 rustup target add wasm32-unknown-unknown </dev/null >&2 && has_browser_target; then return 0; fi
        say "rustup could not download it: taking the distribution's toolchain for the browser part"
    fi
    have apt-get || die "no Rust toolchain here can build for the browser." \
        "With rustup: rustup target add wasm32-unknown-unknown" \
        "Otherwise install your distribution's package of Rust's wasm32-unknown-unknown standard library."
    if [[ ! -x /usr/bin/rustc || ! -x /usr/bin/cargo-clippy || ! -d /usr/lib/rustlib/src/rust/library || ! -L /usr/bin/rust-lld ]]; then
        packages "a Rust toolchain that can build for the browser" \
            rustc-web cargo-web rust-web-src rust-web-llvm rust-web-clippy
    fi
    # rust-lld is a link to a linker whose package nothing depends on.
    [[ -x /usr/bin/rust-lld ]] || packages "the WebAssembly linker" "$(basename "$(readlink /usr/bin/rust-lld)")"
    local sysroot
    sysroot=$(debian_sysroot)
    build_wasm_std "$sysroot"
    find_browser_toolchain || die "the browser's standard library is not where it was put: $sysroot"
}

# --- tools built once ---------------------------------------------------------------------------

# build_tool CRATE VERSION MINUTES NAME [CARGO INSTALL FLAG]…: hardly optimised is fast enough, and much sooner there.
build_tool() {
    local name=$1 version=$2 minutes=$3
    local root=$CACHE/$4-$2
    shift 4
    [[ ! -e $root/done ]] || return 0
    say "Building $name $version (once, about $minutes minutes)"
    env -u RUSTFLAGS CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=false CARGO_PROFILE_RELEASE_DEBUG=false \
        CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_TARGET_DIR="$CACHE/build-$name" \
        cargo install --quiet "$name" --version "=$version" --root "$root" "$@" </dev/null >&2 ||
        die "$name did not build." "Read the first error above; if it could not download, run this again with a network."
    rm -rf "$CACHE/build-$name"
    touch "$root/done"
}

wasm_bindgen() {
    [[ -x $WASM_BINDGEN ]] || build_tool wasm-bindgen-cli "$(locked_version wasm-bindgen)" 2 wasm-bindgen
}

node_tools() {
    if ! have node || ! have npm; then packages "Node.js" nodejs npm; fi
    local major
    major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
    ((major >= 18)) || die "Node.js $(node --version) is too old: 18 or newer is needed."
    install_node_tools
}

install_node_tools() {
    local stamp=end2end/node_modules/.rollcall-lock
    cmp -s end2end/package-lock.json "$stamp" && return 0
    say "Installing the asset and browser-test tools (npm, about 10 seconds)"
    (cd end2end && npm ci --prefer-offline --no-audit --no-fund --loglevel=error </dev/null >&2) ||
        die "npm could not install the tools of end2end/package-lock.json." "Run this again with a network."
    cp end2end/package-lock.json "$stamp"
}

# --- what the tests need besides ----------------------------------------------------------------

test_tools() {
    find_chromium >/dev/null || packages "a browser for the tests" chromium
    find_nginx >/dev/null || packages "nginx, for the test of deploy/nginx.conf" nginx-light
    find_postgres >/dev/null || packages "PostgreSQL's programs, for a throwaway cluster" postgresql
    find_pgbouncer >/dev/null || packages "a pooler, for the test of PostgreSQL behind one" pgbouncer
    # Where there is none for this system, the harness says that it shows nothing.
    have strace || ! have apt-get || packages "strace, to see that captures are synced before they are answered" strace
    # Comforts: without them the tests say what they leave out.
    if have apt-get && [[ $(id -u) == 0 || -n ${CI:-} ]]; then
        have shellcheck || packages "the shell linter" shellcheck
        have mold || packages "a faster linker" mold
    fi
    build_tool cargo-deny "$DENY_VERSION" 2 cargo-deny --locked
    { cargo fmt --version && cargo clippy --version; } >/dev/null 2>&1 || die "rustfmt or clippy is missing." \
        "rustup component add rustfmt clippy (or your distribution's packages)"
}

build() {
    basics
    browser_target
    wasm_bindgen
    node_tools
}

all() {
    build
    test_tools
}

case ${1:-} in
basics) locked "$CACHE/setup.lock" basics ;;
build) locked "$CACHE/setup.lock" build ;;
test) locked "$CACHE/setup.lock" all ;;
*) die "usage: $0 basics|build|test" ;;
esac
