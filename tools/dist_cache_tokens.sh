#!/usr/bin/env bash
# Write a token cache with several GPUs, or with several CPU processes where there is no GPU.
#   tools/dist_cache_tokens.sh CONFIG GPUS [arguments of tools/cache_tokens.py]

source "$(dirname "${BASH_SOURCE[0]}")/dist_common.sh"

if [ $# -lt 2 ]; then
    echo "usage: tools/dist_cache_tokens.sh CONFIG GPUS [arguments of tools/cache_tokens.py]" >&2
    exit 2
fi
CONFIG="$1" GPUS="$2"
shift 2
run_ranks "$GPUS" "$REPO/tools/cache_tokens.py" "$CONFIG" --launcher pytorch "$@"
