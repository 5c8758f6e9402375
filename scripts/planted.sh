#!/usr/bin/env bash
# Plants one defect after the other in a copy of the tree, and expects the harness that each patch of
# tests/torture/planted names to catch it: `planted.sh [PATCH…]`. `planted.sh --check` only sees
# whether every patch still applies.
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

PATCHES=tests/torture/planted
# One more target folder; the copy lies in it, so that a second run builds little.
WORK=$ROOT/target/planted

# command_of PATCH: what its first line names before the colon: a harness, and `--long` where that takes it.
command_of() { sed -n '1s/:.*//p' "$1"; }

defect() { sed -n '1s/^[^:]*: *//p' "$1"; }

check() {
    have git || {
        say "Planted defects: NOT checked, git is not installed"
        return 0
    }
    local patch bad=0
    for patch in "$PATCHES"/*.patch; do
        git apply --check "$patch" || {
            echo "$patch no longer applies: plant the same defect in the code as it is now" >&2
            bad=1
        }
    done
    return "$bad"
}

# copy: the tree as it stands, with what is not committed yet. New times, so that cargo looks again.
copy() {
    rm -rf "$WORK/tree"
    mkdir -p "$WORK/tree"
    git ls-files -z --cached --others --exclude-standard |
        while IFS= read -r -d '' file; do if [[ -f $file ]]; then printf '%s\0' "$file"; fi; done |
        xargs -0 cp --parents --target-directory "$WORK/tree"
}

# caught PATCH: builds with the defect, runs the harness, and tells what it said.
caught() {
    local patch=$1 name log line message
    name=$(basename "$patch" .patch)
    log=$WORK/$name.log
    read -ra line <<<"$(command_of "$patch")"
    if ! grep -q "^ *name: \"${line[0]}\",\$" tests/torture/main.rs; then
        printf '%-24s %-10s NOT RUN: there is no such harness\n' "$name" "${line[0]}"
        return 1
    fi
    copy
    # The copy lies in a repository, which would make git look for the files above it.
    (cd "$WORK/tree" && GIT_CEILING_DIRECTORIES=$WORK git apply "$ROOT/$patch")
    (cd "$WORK/tree" && CARGO_TARGET_DIR=$WORK/target server_cargo test --locked --test torture --no-run) \
        >"$log" 2>&1 || die "the tree does not build with $patch." "See $log"
    if (cd "$WORK/tree" && CARGO_TARGET_DIR=$WORK/target server_cargo test --locked --test torture -- \
        "${line[@]}") >"$log" 2>&1; then
        printf '%-24s %-10s NOT CAUGHT; see %s\n' "$name" "${line[0]}" "$log"
        return 1
    fi
    # What broke; where the harness itself fell over, its last words.
    message=$(grep -m 1 '✗' "$log" || grep -m 1 'panicked' "$log" || tail -n 1 "$log")
    printf '%-24s %-10s %s\n' "$name" "${line[0]}" "$(sed 's/^ *//; s/  */ /g' <<<"$message")"
    printf '%-35s (%s)\n' "" "$(defect "$patch")"
}

if [[ ${1:-} == --check ]]; then
    check
    exit
fi
have git || die "git is missing: it applies the patches."
check
mkdir -p "$WORK"
if [[ ! -d $WORK/target && -d $TARGET/debug/deps ]]; then
    say "Copying what is built already"
    mkdir "$WORK/target"
    cp -a --reflink=auto "$TARGET/debug" "$WORK/target/debug"
fi
if (($#)); then chosen=("$@"); else chosen=("$PATCHES"/*.patch); fi
say "Planting ${#chosen[@]} defects (the first time, all is built once more; then minutes each)"
missed=0
for patch in "${chosen[@]}"; do
    caught "$patch" || missed=1
done
((missed == 0)) || die "not every planted defect was caught."
say "Every planted defect was caught"
