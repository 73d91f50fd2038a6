// The definitions of the Prometheus operator's kinds, which tests give to the real API server; scripts/build-kube.sh takes
// them out of its module and builds nothing. To change the version: edit the require line and remove go.sum; then
// `go mod download`.
module herald/tools/prometheus-operator

go 1.26.0

require github.com/prometheus-operator/prometheus-operator v0.85.0
