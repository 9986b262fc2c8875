#!/usr/bin/env bash
# Runs fleet/slurm.sbatch on a Slurm of its own: one controller and two nodes on loopback. Needs root and Debian's packages
# slurm-wlm and munge. One node is killed in the middle; its tasks are queued again. docs/fleet.md says what was seen.
#
#     SIM=target/release/sim fleet/slurm-test.sh
set -euo pipefail
cd "$(dirname "$0")/.."
SIM=$(realpath "${SIM:-target/debug/sim}")
work=$(mktemp -d)
host=$(hostname -s)
started=()
finish() {
    # Only what this script has started.
    for pid in "${started[@]}"; do kill "$pid" 2> /dev/null || true; done
    wait 2> /dev/null || true
    rm -rf "$work"
}
trap finish EXIT

mkdir -p "$work/state" "$work/n1" "$work/n2" "$work/munge" "$work/parts"
chmod 755 "$work"
dd if=/dev/urandom of="$work/munge/key" bs=1024 count=1 status=none
chmod 700 "$work/munge"
chmod 600 "$work/munge/key"
munged --foreground --force --key-file="$work/munge/key" --socket="$work/munge/socket" --pid-file="$work/munge/pid" \
    --seed-file="$work/munge/seed" --log-file="$work/munge/log" > "$work/munged.log" 2>&1 &
started+=($!)
cat > "$work/slurm.conf" << CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket
CredType=cred/munge
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/%n
SlurmctldPidFile=$work/ctld.pid
SlurmdPidFile=$work/%n.pid
SlurmctldLogFile=$work/ctld.log
SlurmdLogFile=$work/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SchedulerType=sched/builtin
SelectType=select/linear
MpiDefault=none
SlurmdTimeout=10
ReturnToService=2
MaxArraySize=1001
JobRequeue=1
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=17001 CPUs=1 RealMemory=600
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=17002 CPUs=1 RealMemory=600
PartitionName=all Nodes=n1,n2 Default=YES State=UP
CONF
export SLURM_CONF=$work/slurm.conf
sleep 1
slurmctld -D > "$work/ctld.out" 2>&1 &
started+=($!)
slurmd -D -N n1 > "$work/n1.out" 2>&1 &
started+=($!)
slurmd -D -N n2 > "$work/n2.out" 2>&1 &
victim=$!
started+=("$victim")
for _ in $(seq 60); do
    [ "$(sinfo --noheader --format=%T 2> /dev/null | sort -u)" = idle ] && break
    sleep 1
done
sinfo

seeds=0..${SEEDS:-4000} shards=20
sbatch --array=1-$shards --export=ALL,SIM="$SIM",SHARDS=$shards,OUT="$work/parts" --output="$work/%a.out" \
    fleet/slurm.sbatch explore --seeds "$seeds" --rules half-quorum
while [ "$(find "$work/parts" -name '*.jsonl.gz' | wc -l)" -lt $((shards / 4)) ]; do sleep 0.2; done
echo "killing a node"
kill -KILL "$victim"
for _ in $(seq 300); do
    [ -z "$(squeue --noheader)" ] && break
    sleep 1
done
sinfo
"$SIM" explore --seeds "$seeds" --rules half-quorum --out "$work/whole" > "$work/serial" 2> /dev/null
"$SIM" merge "$work/parts" > "$work/merged"
cmp "$work/serial" "$work/merged"
tail -n 1 "$work/merged"
