# Sourced by dist_train.sh and dist_test.sh: sets PYTHON, and run_ranks GPUS SCRIPT ARGS...
#
# Environment (all optional):
#   NNODES NODE_RANK MASTER_ADDR PORT   several machines: the same command on each of them
#   PYTHON                              interpreter (default: .venv of this repository, else python)
#   OMP_NUM_THREADS                     threads of a rank (default: 1 with GPUs, else cores / ranks)

REPO="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

if [ -z "${PYTHON:-}" ]; then
    PYTHON=python
    if [ -x "$REPO/.venv/bin/python" ]; then PYTHON="$REPO/.venv/bin/python"; fi
fi

run_ranks() {
    local gpus="$1"; shift
    if ! [[ "$gpus" =~ ^[1-9][0-9]*$ ]]; then
        echo "error: GPUS is '$gpus', it must be the number of processes on this machine" >&2
        return 2
    fi
    local nnodes="${NNODES:-1}"
    if [ "$nnodes" -gt 1 ] && [ -z "${MASTER_ADDR:-}" ]; then
        echo "error: NNODES=$nnodes: set MASTER_ADDR to the address of the first machine" >&2
        return 2
    fi
    local port="${PORT:-}"
    if [ -z "$port" ]; then
        if [ "$nnodes" -gt 1 ]; then
            port=29500
        else
            # A free port, so that two jobs on one machine do not collide.
            port="$("$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')" \
                || return 1
        fi
    fi
    if [ -z "${OMP_NUM_THREADS:-}" ]; then
        OMP_NUM_THREADS=1
        # GPUs that are hidden (empty or -1) are none.
        if ! command -v nvidia-smi >/dev/null 2>&1 || [[ "${CUDA_VISIBLE_DEVICES-0}" =~ ^(-1)?$ ]]; then
            OMP_NUM_THREADS=$(( $(nproc) / gpus ))
            if [ "$OMP_NUM_THREADS" -lt 1 ]; then OMP_NUM_THREADS=1; fi
        fi
    fi
    export OMP_NUM_THREADS
    PYTHONPATH="$REPO${PYTHONPATH:+:$PYTHONPATH}" "$PYTHON" "$REPO/tools/torchrun.py" \
        --nnodes="$nnodes" \
        --node_rank="${NODE_RANK:-0}" \
        --master_addr="${MASTER_ADDR:-127.0.0.1}" \
        --master_port="$port" \
        --nproc_per_node="$gpus" \
        "$@"
}

# run_on_config TOOL CONFIG GPUS ARGS...: what dist_TOOL.sh does whose tool takes a config.
run_on_config() {
    local tool="$1"; shift
    if [ $# -lt 2 ]; then
        echo "usage: tools/dist_$tool.sh CONFIG GPUS [arguments of tools/$tool.py]" >&2
        return 2
    fi
    local config="$1" gpus="$2"; shift 2
    run_ranks "$gpus" "$REPO/tools/$tool.py" "$config" --launcher pytorch "$@"
}

run_slurm() {
    local partition="$1" job_name="$2"; shift 2
    local gpus="${GPUS:-8}" gpus_per_node="${GPUS_PER_NODE:-8}"
    if [ "$gpus" -lt "$gpus_per_node" ]; then gpus_per_node="$gpus"; fi
    # SRUN_ARGS is split into words on purpose.
    PYTHONPATH="$REPO${PYTHONPATH:+:$PYTHONPATH}" srun -p "$partition" \
        --job-name="$job_name" \
        --gres="gpu:$gpus_per_node" \
        --ntasks="$gpus" \
        --ntasks-per-node="$gpus_per_node" \
        --cpus-per-task="${CPUS_PER_TASK:-5}" \
        --kill-on-bad-exit=1 \
        ${SRUN_ARGS:-} \
        "$PYTHON" -u "$@" --launcher slurm
}
