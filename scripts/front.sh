#!/usr/bin/env bash
# The pages' assets: the browser part as WebAssembly, its JavaScript, the stylesheet and public/,
# assembled in target/site. Does only what changed; two runs at once wait for each other.
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

WORK=$ROOT/target/front
SITE=$ROOT/target/site

# A lone cdylib, so that fat LTO works: a library of two crate types loses it without a word.
compile() {
    [[ -d $WORK/wasm32-unknown-unknown ]] || say "Compiling the browser part (the first time about 1½ minutes)"
    "${BROWSER[@]}" cargo rustc --quiet --lib --crate-type cdylib --target wasm32-unknown-unknown \
        --profile wasm-release --target-dir "$WORK" --no-default-features --features hydrate
}

# Bindings, then smaller, unless it was this very module with these very tools.
package() {
    local module=$WORK/wasm32-unknown-unknown/wasm-release/rollcall.wasm stamp=$WORK/pkg.stamp key
    key=$(cat "$module" end2end/package-lock.json "${BASH_SOURCE[0]}" <(echo "$WASM_BINDGEN") | sha256sum)
    if [[ -d $WORK/pkg && $(cat "$stamp" 2>/dev/null) == "$key" ]]; then return 0; fi
    rm -rf "$WORK/bindgen" "$WORK/pkg"
    mkdir -p "$WORK/pkg"
    "$WASM_BINDGEN" --target web --no-typescript --out-name rollcall --out-dir "$WORK/bindgen" "$module"
    "$NODE_BIN/wasm-opt" -Oz --enable-bulk-memory --enable-nontrapping-float-to-int \
        "$WORK/bindgen/rollcall_bg.wasm" -o "$WORK/pkg/rollcall.wasm"
    "$NODE_BIN/esbuild" "$WORK/bindgen/rollcall.js" --minify --format=esm --log-level=warning \
        --outfile="$WORK/pkg/rollcall.js"
    echo "$key" >"$stamp"
}

# The folder changes only when its content does: what embeds it is not rebuilt for nothing.
assemble() {
    rm -rf "$WORK/site" "$WORK/site.old"
    mkdir -p "$WORK/site/pkg"
    cp -p "$WORK"/pkg/* "$WORK/site/pkg"
    if [[ -d public ]]; then cp -Rp public/. "$WORK/site"; fi
    # No --targets: light-dark() and nesting stay as they are written.
    "$NODE_BIN/lightningcss" --minify --bundle style/main.css -o "$WORK/site/pkg/rollcall.css"
    if diff -rq "$WORK/site" "$SITE" >/dev/null 2>&1; then return 0; fi
    if [[ -d $SITE ]]; then mv "$SITE" "$WORK/site.old"; fi
    mv "$WORK/site" "$SITE"
}

front() {
    compile
    package
    assemble
}

if ! find_browser_toolchain || [[ ! -x $WASM_BINDGEN || ! -d $NODE_BIN ]]; then
    die "the tools that build the pages' assets are missing." "make setup"
fi
locked "$WORK/lock" front
