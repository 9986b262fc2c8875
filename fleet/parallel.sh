#!/usr/bin/env bash
# GNU parallel: all shards of a command on the cores of one machine, or of the machines in --sshloginfile.
#
#     fleet/parallel.sh OUT SHARDS COMMAND...
#     fleet/parallel.sh parts 400 explore --seeds 0..1000000
#
# The same command goes on after a kill: shards that are there are cached. SIM: the program (default `sim`). JOBS: shards at
# once (default: one for each core). The exit code is that of `sim merge`.
set -euo pipefail
out=$1 shards=$2
shift 2
sim=${SIM:-sim}
# Shards that failed are run again, as docs/fleet.md says: twice, after a second.
# shellcheck disable=SC2016
parallel --will-cite --jobs "${JOBS:-100%}" --retries 3 --delay 0 --quote \
    "$sim" "$@" --jobs 1 --quiet --out "$out" --shard "{}/$shards" ::: $(seq "$shards")
exec "$sim" merge "$out"
