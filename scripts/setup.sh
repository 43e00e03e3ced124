#!/usr/bin/env bash
# Installs what is missing and nothing else: `setup.sh run` for running City Twin, `setup.sh dev` for its tests too.
# Works as root or as a user with sudo, on Debian 12 or newer; elsewhere it says what to install by hand.
set -euo pipefail
cd "$(dirname "$0")/.."

profile=${1:-run}
extras=load
[ "$profile" = dev ] && extras=load,telemetry,dev

say() { printf '%s\n' "$*" >&2; }

# The distribution's own comes first: it is built with profile-guided optimisation, which version managers leave out when
# they compile one (`./configure` without `--enable-optimizations`); such a Python takes half as long again, or more.
usable_python() { # a Python of 3.11 or newer, one that makes environments if there is one; its path on stdout
    local name found=
    for name in /usr/bin/python3 python3.11 python3.12 python3.13 python3; do
        "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        found=${found:-$(command -v "$name")}
        if "$name" -c 'import ensurepip, venv' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    echo "$found"
}

has_postgis() { # a PostgreSQL server with PostGIS, Debian's or the one that pg_config names
    compgen -G '/usr/share/postgresql/*/extension/postgis.control' >/dev/null &&
        compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && return
    command -v pg_config >/dev/null && [ -x "$(pg_config --bindir)/initdb" ] &&
        [ -f "$(pg_config --sharedir)/extension/postgis.control" ]
}

can_install() {
    command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; }
}

missing_packages() { # the names of the system packages to install, one a line
    local python
    python=$(usable_python)
    [ -n "$python" ] || echo python3
    { [ -n "$python" ] && "$python" -c 'import ensurepip, venv' 2>/dev/null; } || echo python3-venv
    if [ "$profile" = dev ] || [ -z "${TWIN_DATABASE_URL:-}" ]; then
        has_postgis || echo postgresql-postgis
    fi
    if [ "$profile" = dev ] || can_install; then # Access databases alone need it
        command -v mdb-export >/dev/null || echo mdbtools
    fi
    if [ "$profile" = dev ]; then
        command -v ogr2ogr >/dev/null || echo gdal-bin
        command -v shp2pgsql >/dev/null || echo postgis
        command -v psql >/dev/null || echo postgresql-client
        command -v wrk >/dev/null || echo wrk
        [ -x /usr/lib/cgi-bin/mapserv ] || echo cgi-mapserver
        command -v chromium >/dev/null || echo chromium
        compgen -G '/usr/share/fonts/opentype/noto/NotoSansCJK*' >/dev/null || echo fonts-noto-cjk
    fi
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

apt() { # apt-get that waits for another one to end
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600 "$@"
}

apt_update() { # the lock on package lists knows no timeout
    local words
    for _ in $(seq 60); do
        words=$(LC_ALL=C apt update 2>&1) && return
        grep -q 'Could not get lock' <<<"$words" || break
        sleep 10
    done
    say "$words"
}

install_packages() {
    local packages=("$@")
    if ! can_install; then
        say "These are missing and cannot be installed from here: ${packages[*]} (Debian's names)."
        say "Either install them by hand (PostgreSQL 14 or newer with PostGIS), or set TWIN_DATABASE_URL to a database of your own."
        say "缺少上述软件且无法自动安装：请手动安装（PostgreSQL 14 或更新版本，带 PostGIS），或将 TWIN_DATABASE_URL 设为您自己的数据库。"
        exit 1
    fi
    say "Installing ${packages[*]} …"
    apt_update
    apt install -y --no-install-recommends "${packages[@]}" >/dev/null
}

stamp() { echo ".venv/.installed-$1"; }

is_fresh() { # whether the stamp $1 exists and is not older than what it depends on
    [ -f "$(stamp "$1")" ] && [ ! pyproject.toml -nt "$(stamp "$1")" ] && [ ! constraints.txt -nt "$(stamp "$1")" ]
}

venv_is_ready() {
    .venv/bin/python -c '' 2>/dev/null && { is_fresh dev || { [ "$profile" = run ] && is_fresh run; }; }
}

install_venv() {
    say "Installing City Twin into .venv …"
    .venv/bin/python -m pip --version >/dev/null 2>&1 || "$(usable_python)" -m venv --clear .venv
    # hatchling comes first, so that the build uses the version in constraints.txt
    .venv/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt hatchling editables
    .venv/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt --no-build-isolation -e ".[$extras]"
    touch "$(stamp "$profile")"
}

map_sources() { # a mark that changes with whatever the map's bundle is made of
    { find web -type f -not -path '*/node_modules/*' | sort && echo graphql/operations/*_in_view.graphql; } |
        xargs sha256sum | sha256sum
}

map_stamp() { echo ".venv/.map-$1"; }

map_is_built() { # with the tools that the profile needs; those of dev do for run
    [ -f twin/web/static/built/map.js ] && [ -d web/node_modules ] || return 1
    local mark
    mark=$(map_sources)
    [ "$(cat "$(map_stamp dev)" 2>/dev/null)" = "$mark" ] ||
        { [ "$profile" = run ] && [ "$(cat "$(map_stamp run)" 2>/dev/null)" = "$mark" ]; }
}

build_map() {
    say "Building the map …"
    local without=()
    [ "$profile" = dev ] || without=(--omit=dev)
    scripts/npm.sh ci --loglevel=error "${without[@]}" >/dev/null && scripts/npm.sh run --silent build || return 1
    rm -f "$(map_stamp run)" "$(map_stamp dev)"
    map_sources >"$(map_stamp "$profile")"
}

mapfile -t packages < <(missing_packages)
if [ ${#packages[@]} -eq 0 ] && venv_is_ready && map_is_built; then
    echo "Everything is set up. 一切就绪。"
    exit
fi
[ ${#packages[@]} -eq 0 ] || install_packages "${packages[@]}"
venv_is_ready || install_venv
if ! map_is_built && ! build_map; then
    say "The map could not be built; the pages work without it. Run make setup again to try once more."
    say "地图未能构建；网页仍可使用。再次运行 make setup 可重试。"
    [ "$profile" = run ] || exit 1
fi
echo "Set up: .venv/bin/twin. 已就绪：.venv/bin/twin。"
