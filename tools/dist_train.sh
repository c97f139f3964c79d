#!/usr/bin/env bash
# Train on several GPUs, or on several CPU processes where there is no GPU.
#   tools/dist_train.sh CONFIG GPUS [arguments of tools/train.py]
# Several machines, the same on each: NNODES=2 NODE_RANK=0 MASTER_ADDR=10.0.0.1 PORT=29500 tools/dist_train.sh ...

source "$(dirname "${BASH_SOURCE[0]}")/dist_common.sh"
run_on_config train "$@"
