#!/usr/bin/env bash
# Writes constraints.txt anew: the exact versions that a fresh environment with all extras gets today.
set -euo pipefail
cd "$(dirname "$0")/.."

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
.venv/bin/python -m venv "$fresh"
"$fresh/bin/pip" install -q hatchling editables
"$fresh/bin/pip" install -q --no-build-isolation -e '.[load,telemetry,web,dev]'
{
    echo "# Exact versions of every dependency, direct and transitive, of all extras. Renew with: make constraints"
    "$fresh/bin/pip" freeze --exclude-editable | sort -f
} >constraints.txt
