#!/usr/bin/env bash
# Builds raft-rs as a guest into target/guests.
set -euo pipefail
cd "$(dirname "$0")"
out=../../target/guests
mkdir -p "$out"
cargo build --release --locked --quiet --target-dir "$out/raft-rs-build"
cp "$out/raft-rs-build/release/raft-rs-guest" "$out/raft-rs"
