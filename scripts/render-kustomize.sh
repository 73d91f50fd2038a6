#!/usr/bin/env bash
# Writes what of deploy/kustomize is rendered from deploy/chart/herald, or the same into DIR if one is given: the base with
# the chart's default values, and a component for each thing that a value switches on. After ./run setup kube, which builds Helm.
set -euo pipefail
shopt -s inherit_errexit

checkout=$(dirname "$(dirname "$(readlink -f "$0")")")
readonly checkout
readonly target=${1-$checkout/deploy/kustomize}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
helm=${HELM:-$("$checkout/scripts/build-kube.sh" dir helm)/helm}

render() { # OPTION...
    "$helm" template herald "$checkout/deploy/chart/herald" --namespace herald-system "$@" \
        2> >(grep -v 'found symbolic link in path' >&2)
}

write() { # FOLDER, KIND of its kustomization, its version, FILE...
    local file folder=$target/$1
    mkdir -p "$folder"
    rm -f "$folder"/*.yaml
    printf 'apiVersion: kustomize.config.k8s.io/%s\nkind: %s\nresources:\n' "$3" "$2" >"$folder/kustomization.yaml"
    for file in "${@:4}"; do
        printf -- '  - %s\n' "$(basename "$file")" >>"$folder/kustomization.yaml"
        {
            echo "# Rendered from deploy/chart/herald by scripts/render-kustomize.sh. Do not edit."
            grep -v '^# Source: ' "$file" | sed '1{/^---$/d}'
        } >"$folder/$(basename "$file")"
    done
}

component() { # NAME, its template, OPTION... that switches it on
    render --show-only "templates/$2" "${@:3}" >"$scratch/$2"
    write "$1" Component v1alpha1 "$scratch/$2"
}

render --output-dir "$scratch" >/dev/null
write rendered Kustomization v1beta1 "$scratch"/herald/templates/*.yaml
component bfd bfd-daemonset.yaml --set bfd.enabled=true
component monitors monitors.yaml --set podMonitor.enabled=true,prometheusRule.enabled=true
