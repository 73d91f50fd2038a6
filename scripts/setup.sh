#!/usr/bin/env bash
# Sets up what the words of ./run need. Says what it installs; quiet and quick when all is there.
#
#   scripts/setup.sh python   the Python environment .venv, exactly as uv.lock says (no root)
#   scripts/setup.sh lab      that, and the Debian packages that the lab runs (root, by sudo if need be)
#   scripts/setup.sh kube     that, and what a cluster in the lab runs: packages, and programs built from source
#
# It never starts or enables a service, never downloads another Python than the system's, and writes nothing
# but .venv and .uv in this checkout, the caches of uv, Go and Herald, and what apt-get installs.
set -euo pipefail

readonly UV_VERSION=0.13.9
readonly PYTHON=/usr/bin/python3 # not the first in PATH, which may be anybody's build

readonly LAB_PACKAGES=(
    frr        # the routers
    iproute2   # ip: `herald lab shell`, and reading by eye
    nftables   # nft: silences a node, frames dropped and links up
    prometheus # the alerts, and promtool, which tests them
    tcpdump    # what really went over the wire
)
readonly KUBE_PACKAGES=(
    ca-certificates # Go fetches its sources by https
    etcd-server     # what the API server stores
    faketime        # steps the clock of one program
    lua5.1          # runs the health checks that Argo CD is given
    openssl         # its keys
)
readonly COMPOSE_PACKAGES=(
    debootstrap     # makes the base image where none can be pulled
    docker-compose  # docker-compose.yml
    docker.io       # the engine that the test of docker-compose.yml starts and ends itself
)
readonly SERVICES=(frr prometheus etcd docker) # of these packages: never to run on their own
readonly POLICY=/usr/sbin/policy-rc.d
readonly POLICY_MARK='# written by the set-up of Herald'

checkout=$(dirname "$(dirname "$(readlink -f "$0")")")
readonly checkout
readonly stamp=$checkout/.venv/herald-setup

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

quietly() { # COMMAND... whose output matters only when it fails
    local output
    output=$("$@" 2>&1) || { printf '%s\n' "$output" >&2; return 1; }
}

# What .venv was made of. The path belongs to it: a virtual environment cannot be moved.
fingerprint() {
    (cd "$checkout" && pwd && sha256sum uv.lock pyproject.toml scripts/setup.sh)
}

python_is_ready() {
    [[ -x $checkout/.venv/bin/herald && -x $checkout/.venv/bin/python && -f $stamp ]] &&
        [[ $(<"$stamp") == "$(fingerprint)" ]]
}

require_system_python() {
    [[ -x $PYTHON ]] || die "there is no $PYTHON; Herald needs the system's Python, 3.11 or newer"
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        die "$PYTHON is $("$PYTHON" --version); Herald needs 3.11 or newer (Debian 12 or later)"
}

is_installed() { # PACKAGE, configured too, which an install that was cut short is not
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

missing_packages() { # LEVEL
    local package wanted=()
    [[ $1 == python ]] || wanted+=("${LAB_PACKAGES[@]}")
    [[ $1 != kube ]] || wanted+=("${KUBE_PACKAGES[@]}" "${COMPOSE_PACKAGES[@]}")
    for package in "${wanted[@]}"; do
        is_installed "$package" || echo "$package"
    done
    # Debian ships the module venv, but not the ensurepip that it needs.
    if [[ ! -x $checkout/.uv/bin/uv ]] && ! "$PYTHON" -c 'import ensurepip' 2>/dev/null; then
        echo python3-venv
    fi
}

# A package that brings a daemon starts it, unless policy-rc.d forbids that. An existing one is the machine's own
# and stays as it is; one with our mark was left by a set-up that was killed, and is ours to remove.
keep_services_off() {
    if [[ -e $POLICY ]] && ! grep -qF "$POLICY_MARK" "$POLICY"; then
        return
    fi
    trap 'rm -f "$POLICY"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    printf '#!/bin/sh\n%s\nexit 101\n' "$POLICY_MARK" >"$POLICY"
    chmod 755 "$POLICY"
}

install_as_root() ( # PACKAGE... (in a subshell, so that its traps end with it)
    local apt_get=(apt-get -q -y -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0)
    export DEBIAN_FRONTEND=noninteractive
    say "installing the Debian packages: $*"
    keep_services_off
    quietly dpkg --configure -a
    quietly "${apt_get[@]}" update
    quietly "${apt_get[@]}" install --no-install-recommends "$@"
    # Not at the next boot either. Only where we installed it: an operator's own FRR is none of our business.
    local service
    for service in "${SERVICES[@]}"; do
        if [[ " $* " =~ " $service"(-server|.io)?" " ]]; then
            quietly update-rc.d "$service" disable
        fi
    done
)

install_packages() { # PACKAGE...
    command -v apt-get >/dev/null || die "missing: $*. The lab runs on Debian 12 or newer; './run check' runs anywhere"
    if ((EUID == 0)); then
        install_as_root "$@"
    elif command -v sudo >/dev/null; then
        say "asking sudo for root, to install: $*"
        sudo -- "$0" install-as-root "$@" || die "could not install: $*"
    else
        die "missing Debian packages, and you are not root and have no sudo. As root: apt-get install $*"
    fi
}

install_python() {
    [[ -w $checkout ]] || die "$checkout is not yours to write, and .venv must go there; run this as its owner or as root"
    if [[ $("$checkout/.uv/bin/uv" --version 2>/dev/null) != "uv $UV_VERSION"* ]]; then
        say "installing uv $UV_VERSION into .uv"
        "$PYTHON" -m venv --clear "$checkout/.uv"
        "$checkout/.uv/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION"
    fi
    say "installing the Python packages of uv.lock into .venv"
    rm -f "$stamp"
    # Compiled here, by its owner, and not by the first root that imports it.
    env -u VIRTUAL_ENV UV_PROJECT_ENVIRONMENT="$checkout/.venv" UV_PYTHON_DOWNLOADS=never \
        "$checkout/.uv/bin/uv" sync --quiet --frozen --compile-bytecode --project "$checkout" --python "$PYTHON"
    fingerprint >"$stamp"
}

main() { # python | lab | kube
    local packages
    exec 9<"$0" && flock 9 # of two at a time, one waits and then finds all in place
    require_system_python
    mapfile -t packages < <(missing_packages "$1")
    if ((${#packages[@]})); then
        install_packages "${packages[@]}"
    fi
    python_is_ready || install_python
    [[ $1 != kube ]] || "$checkout/scripts/build-kube.sh"
}

case ${1-} in
    python | lab | kube) main "$1" ;;
    install-as-root) shift && install_as_root "$@" ;; # how install_packages calls itself through sudo
    *) die "say 'python', 'lab' or 'kube'" ;;
esac
