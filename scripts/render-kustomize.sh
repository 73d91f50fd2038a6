#!/usr/bin/env bash
# Writes deploy/kustomize/rendered from deploy/chart/herald with its default values, or DIR if one is given.
# After ./run setup kube, which builds Helm.
set -euo pipefail
shopt -s inherit_errexit

checkout=$(dirname "$(dirname "$(readlink -f "$0")")")
readonly checkout
readonly target=${1-$checkout/deploy/kustomize/rendered}

rendered=$(mktemp -d)
trap 'rm -rf "$rendered"' EXIT
helm=${HELM:-$("$checkout/scripts/build-kube.sh" dir helm)/helm}
"$helm" template herald "$checkout/deploy/chart/herald" --namespace herald-system --output-dir "$rendered" >/dev/null

mkdir -p "$target"
rm -f "$target"/*.yaml
{
    printf 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n'
    for file in "$rendered"/herald/templates/*.yaml; do
        {
            echo "# Rendered from deploy/chart/herald by scripts/render-kustomize.sh. Do not edit."
            grep -v '^# Source: ' "$file" | sed '1{/^---$/d}'
        } >"$target/$(basename "$file")"
        printf -- '  - %s\n' "$(basename "$file")"
    done
} >"$rendered/kustomization.yaml"
cp "$rendered/kustomization.yaml" "$target"
