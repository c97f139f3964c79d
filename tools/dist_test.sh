#!/usr/bin/env bash
# Test on several GPUs, or on several CPU processes where there is no GPU.
#   tools/dist_test.sh CONFIG CHECKPOINT GPUS [arguments of tools/test.py]
# Several machines, the same on each: NNODES=2 NODE_RANK=0 MASTER_ADDR=10.0.0.1 PORT=29500 tools/dist_test.sh ...

source "$(dirname "${BASH_SOURCE[0]}")/dist_common.sh"

if [ $# -lt 3 ]; then
    echo "usage: tools/dist_test.sh CONFIG CHECKPOINT GPUS [arguments of tools/test.py]" >&2
    exit 2
fi
CONFIG="$1" CHECKPOINT="$2" GPUS="$3"
shift 3
run_ranks "$GPUS" "$REPO/tools/test.py" "$CONFIG" "$CHECKPOINT" --launcher pytorch "$@"
