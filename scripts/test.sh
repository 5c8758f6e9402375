#!/usr/bin/env bash
# Everything that must hold, the cheap before the dear: `test.sh`, or one part of it:
# `test.sh lint`, `audit`, `front`, `rust [FILTER…]`, `torture [OPTIONS]`, `e2e [PLAYWRIGHT ARGUMENTS…]`, `shots`,
# `bench`, `lighthouse`.
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

# What the browser part may weigh, brotli-compressed, in kB. Raise it knowingly, never in passing.
WASM_CEILING=70

lint() {
    say "Format"
    cargo fmt --check
    if have shellcheck; then
        say "Scripts"
        shellcheck -x scripts/*.sh .ci/run
    else
        say "Scripts: NOT checked, shellcheck is not installed"
    fi
    say "The planted defects still apply"
    scripts/planted.sh --check
    say "Clippy, server (the first time about 3 minutes)"
    server_cargo clippy --locked --all-targets -- -D warnings
    say "Clippy, browser part (the first time about a minute)"
    find_browser_toolchain || die "no toolchain for the browser part." "make setup"
    "${BROWSER[@]}" cargo clippy --locked --lib --target wasm32-unknown-unknown --target-dir target/front \
        --no-default-features --features hydrate -- -D warnings
}

audit() {
    local deny=$CACHE/cargo-deny-$DENY_VERSION/bin/cargo-deny
    say "Licences, sources and banned crates"
    # Those of other systems too, which no build here has fetched; without a network, what is there.
    cargo fetch --locked --quiet || say "Some crates could not be fetched: a network is needed once"
    "$deny" --offline check bans licenses sources
    say "Known vulnerabilities of crates"
    if timeout 60 "$deny" fetch db >/dev/null 2>&1; then
        "$deny" --offline check advisories
    else
        say "NOT checked: the RustSec advisory database could not be reached from here"
    fi
    say "Known vulnerabilities of the npm tools"
    local report
    report=$(cd end2end && timeout 60 npm audit --json 2>/dev/null) || true
    node -e '
        let found;
        try { found = JSON.parse(process.argv[1]).metadata.vulnerabilities; } catch {}
        if (!found) console.error("\n==> NOT checked: the registry answered no audit from here");
        else if (found.high + found.critical) { console.error(found, "see: npm audit in end2end/"); process.exit(1); }
        else console.error("none of high severity or worse");
    ' "$report"
}

front() {
    scripts/front.sh
    say "Weight of the pages' assets, brotli-compressed"
    node scripts/weigh.mjs "$WASM_CEILING"
}

# Needs the assets: it is the code that embeds them.
lint_embedding() {
    say "Clippy, server with the assets embedded"
    MEMORY_SERVE_QUIET=1 server_cargo clippy --locked --lib --features embed -- -D warnings
}

rust() {
    say "Rust tests, on SQLite and PostgreSQL (to build them takes about 3 minutes the first time)"
    server_cargo test --locked "$@"
}

# The harnesses of tests/torture at full length; `rust` runs them short.
torture() {
    say "Torture: every promise under crashes, faults, races and attack (an hour or so)"
    server_cargo test --locked --test torture -- --long "$@"
}

# What the browser tests need to know of this machine.
e2e_ready() {
    if [[ -z ${ROLLCALL_BIN:-} ]]; then
        server_cargo build --quiet --locked --bin rollcall
        ROLLCALL_BIN=$TARGET/debug/rollcall
    fi
    ROLLCALL_BIN=$(realpath "$ROLLCALL_BIN") CHROMIUM=$(find_chromium) NGINX=$(find_nginx) ROLLCALL_CHECKOUT=$ROOT
    export ROLLCALL_BIN CHROMIUM NGINX ROLLCALL_CHECKOUT
}

e2e() {
    say "Browser tests"
    e2e_ready
    (cd end2end && "$NODE_BIN/playwright" test "$@")
}

# The main pages as pictures, to look at; and the one of the README.
shots() {
    say "Pictures of the pages, in end2end/shots"
    e2e_ready
    (cd end2end && "$NODE_BIN/playwright" test --config shots.config.ts "$@")
}

# The admin's pages with very many accounts; not measured in the tests, where it would say nothing.
bench() {
    say "Pages with very many accounts"
    e2e_ready
    (cd end2end && "$NODE_BIN/playwright" test --config bench.config.ts "$@")
}

# Installs Lighthouse for itself: what else is built and tested does without its 180 MB.
lighthouse() {
    say "Lighthouse on five pages, as a throttled phone"
    e2e_ready
    local stamp=end2end/lighthouse/node_modules/.rollcall-lock
    if ! cmp -s end2end/lighthouse/package-lock.json "$stamp"; then
        (cd end2end/lighthouse && npm ci --prefer-offline --no-audit --no-fund --loglevel=error >&2) ||
            die "npm could not install Lighthouse." "Run this again with a network."
        cp end2end/lighthouse/package-lock.json "$stamp"
    fi
    (cd end2end/lighthouse && node run.mjs)
}

part=${1:-all}
if (($#)); then shift; fi
case $part in
all)
    scripts/setup.sh test
    lint
    audit
    front
    lint_embedding
    rust "$@"
    e2e
    say "All passed"
    ;;
e2e)
    scripts/setup.sh test
    front
    e2e "$@"
    ;;
shots)
    scripts/setup.sh test
    front
    shots "$@"
    ;;
bench)
    scripts/setup.sh test
    front
    bench "$@"
    ;;
lighthouse)
    scripts/setup.sh test
    front
    lighthouse
    ;;
lint | audit | front | rust | torture)
    scripts/setup.sh test
    "$part" "$@"
    ;;
*) die "usage: $0 [lint|audit|front|rust|torture|e2e|shots|bench|lighthouse]" ;;
esac
