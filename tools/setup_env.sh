#!/usr/bin/env bash
# The one set-up script: makes, completes or mends `.venv` at the root of the repository.
#   bash tools/setup_env.sh [--full | --lite] [--cpu-ops] [--force] [--quiet]
# This part finds a Python; tools/setup does the rest. PYTHON=/path/to/python3.11 names one.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null </dev/null || true
}

supported() {
    case "$1" in 3.11 | 3.12) return 0 ;; *) return 1 ;; esac
}

can_make_venv() {
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1 </dev/null
}

refuse() {
    echo "PeCo needs Python 3.11 or 3.12; $1" >&2
    exit 2
}

if [ -n "${PYTHON:-}" ]; then
    version="$(version_of "$PYTHON")"
    supported "$version" || refuse "PYTHON=$PYTHON is ${version:-not a Python that runs}."
    python="$PYTHON"
else
    python="" seen=""
    for candidate in "$root/.venv/bin/python" python3.11 python3.12 python3 python; do
        version="$(version_of "$candidate")"
        if [ -z "$version" ]; then
            continue
        elif ! supported "$version"; then
            seen="$seen $candidate is $version,"
        elif ! can_make_venv "$candidate"; then
            seen="$seen $candidate lacks venv (Debian, Ubuntu: apt install python$version-venv),"
        else
            python="$candidate"
            break
        fi
    done
    seen="${seen%,}"
    [ -n "$python" ] || refuse "found:${seen:- none}. \
Install one, or name it: PYTHON=/path/to/python3.11 bash tools/setup_env.sh"
fi
exec "$python" "$root/tools/setup" "$@"
