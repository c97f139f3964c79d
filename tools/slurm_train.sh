#!/usr/bin/env bash
# Train on a slurm cluster.
#   [GPUS=8 GPUS_PER_NODE=8 CPUS_PER_TASK=5 SRUN_ARGS=... PYTHON=python] \
#       tools/slurm_train.sh PARTITION JOB_NAME CONFIG WORK_DIR [arguments of tools/train.py]

source "$(dirname "${BASH_SOURCE[0]}")/dist_common.sh"

if [ $# -lt 4 ]; then
    echo "usage: tools/slurm_train.sh PARTITION JOB_NAME CONFIG WORK_DIR [arguments of tools/train.py]" >&2
    exit 2
fi
PARTITION="$1" JOB_NAME="$2" CONFIG="$3" WORK_DIR="$4"
shift 4
run_slurm "$PARTITION" "$JOB_NAME" "$REPO/tools/train.py" "$CONFIG" --work-dir "$WORK_DIR" "$@"
