#!/usr/bin/env bash
# Train on several GPUs, or on several CPU processes where there is no GPU.
#   tools/dist_train.sh CONFIG GPUS [arguments of tools/train.py]
# Several machines, the same on each: NNODES=2 NODE_RANK=0 MASTER_ADDR=10.0.0.1 PORT=29500 tools/dist_train.sh ...

source "$(dirname "${BASH_SOURCE[0]}")/dist_common.sh"

if [ $# -lt 2 ]; then
    echo "usage: tools/dist_train.sh CONFIG GPUS [arguments of tools/train.py]" >&2
    exit 2
fi
CONFIG="$1" GPUS="$2"
shift 2
run_ranks "$GPUS" "$REPO/tools/train.py" "$CONFIG" --launcher pytorch "$@"
