#!/usr/bin/env bash
# All of PeCo on demo data: sets up `.venv` where it is missing, then runs tools/quickstart.py.
#   bash tools/quickstart.sh [--smoke] [arguments of tools/quickstart.py]
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
bash "$root/tools/setup_env.sh" --quiet
exec "$root/.venv/bin/python" "$root/tools/quickstart.py" "$@"
