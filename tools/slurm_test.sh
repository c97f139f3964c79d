#!/usr/bin/env bash
# Test on a slurm cluster.
#   [GPUS=8 GPUS_PER_NODE=8 CPUS_PER_TASK=5 SRUN_ARGS=... PYTHON=python] \
#       tools/slurm_test.sh PARTITION JOB_NAME CONFIG CHECKPOINT [arguments of tools/test.py]

source "$(dirname "${BASH_SOURCE[0]}")/dist_common.sh"

if [ $# -lt 4 ]; then
    echo "usage: tools/slurm_test.sh PARTITION JOB_NAME CONFIG CHECKPOINT [arguments of tools/test.py]" >&2
    exit 2
fi
PARTITION="$1" JOB_NAME="$2" CONFIG="$3" CHECKPOINT="$4"
shift 4
run_slurm "$PARTITION" "$JOB_NAME" "$REPO/tools/test.py" "$CONFIG" "$CHECKPOINT" "$@"
