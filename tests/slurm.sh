#!/usr/bin/env bash
# A Slurm of one machine without systemd, cgroups or a database, for tests/slurm.rs: slurm.sh start|stop. SLURM_ONE_ROOT holds all of
# it: key, sockets, state and logs. Ends with 77 where there can be none: it takes root, and the packages slurm-wlm and munge.
set -euo pipefail
root=${SLURM_ONE_ROOT:?a folder of its own}
export SLURM_CONF=$root/slurm.conf
host=$(hostname -s)

start() {
    if [ "$(id -u)" != 0 ]; then echo "Slurm can be brought up by root alone"; exit 77; fi
    for program in slurmctld slurmd munged sbatch srun; do
        command -v "$program" >/dev/null || { echo "$program is not installed (slurm-wlm, munge)"; exit 77; }
    done
    mkdir -p "$root"/{state,spool,log,munge}
    chmod 755 "$root"
    chmod 700 "$root/munge"
    (umask 077 && head -c 1024 /dev/urandom >"$root/munge/key")
    # munged refuses a socket below a folder that others may write to, such as /tmp, without --force.
    munged --force --key-file="$root/munge/key" --socket="$root/munge.socket" --pid-file="$root/munge/pid" \
        --log-file="$root/munge/log" --seed-file="$root/munge/seed" 2>/dev/null
    # Ports that are free now.
    read -r controller node < <(python3 - <<'PY' || echo 16817 16818
import socket
sockets = [socket.socket() for _ in range(2)]
for s in sockets: s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in sockets))
PY
    )
    cat >"$SLURM_CONF" <<CONF
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$root/munge.socket
CredType=cred/munge
SlurmctldPort=$controller
SlurmdPort=$node
StateSaveLocation=$root/state
SlurmdSpoolDir=$root/spool
SlurmctldPidFile=$root/slurmctld.pid
SlurmdPidFile=$root/slurmd.pid
SlurmctldLogFile=$root/log/slurmctld.log
SlurmdLogFile=$root/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=2,sched_interval=2,sched_min_interval=0
# Preempted jobs are told at once, killed GraceTime seconds later, and wait in the queue again.
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
KillWait=30
MinJobAge=3600
InactiveLimit=0
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=1000 State=UNKNOWN
PartitionName=low Nodes=$host Default=YES MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=REQUEUE GraceTime=30
PartitionName=high Nodes=$host MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
CONF
    slurmctld
    slurmd
    for _ in $(seq 100); do
        if sinfo -h -o %T 2>/dev/null | grep -q idle; then return; fi
        sleep 0.2
    done
    tail "$root"/log/*.log
    exit 1
}

stop() {
    [ -e "$SLURM_CONF" ] || return 0
    timeout 10 scancel --user="$(id -un)" 2>/dev/null || true
    for _ in $(seq 50); do
        [ -n "$(timeout 5 squeue -h 2>/dev/null || true)" ] || break
        sleep 0.2
    done
    for file in slurmd.pid slurmctld.pid munge/pid; do
        if [ -s "$root/$file" ]; then
            process=$(cat "$root/$file")
            kill "$process" 2>/dev/null || true
            for _ in $(seq 50); do kill -0 "$process" 2>/dev/null && sleep 0.1 || break; done
        fi
    done
}

case ${1:-} in
start) start ;;
stop) stop ;;
*) echo "usage: slurm.sh start|stop" >&2; exit 2 ;;
esac
