#!/usr/bin/env bash
# The tests: sets up `.venv` where it is missing, then runs pytest from the root of the repository.
#   bash tools/run_tests.sh [arguments of pytest]
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
bash "$root/tools/setup_env.sh" --quiet
cd "$root"
# Two workers with one thread each; `-n 8` on the command line overrides.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
exec "$root/.venv/bin/python" -m pytest -n 2 "$@"
