#!/usr/bin/env bash
# Write a token cache with several GPUs, or with several CPU processes where there is no GPU.
#   tools/dist_cache_tokens.sh CONFIG GPUS [arguments of tools/cache_tokens.py]

source "$(dirname "${BASH_SOURCE[0]}")/dist_common.sh"
run_on_config cache_tokens "$@"
