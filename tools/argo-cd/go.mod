// The definition of Argo CD's Applications, which tests give to the real API server; scripts/build-kube.sh takes it out of its
// module and builds nothing. To change the version: edit the require line and remove go.sum; then `go mod download`.
module herald/tools/argo-cd

go 1.26.0

require github.com/argoproj/argo-cd/v3 v3.4.13
