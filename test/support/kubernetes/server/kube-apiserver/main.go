// Command kube-apiserver is the published Kubernetes API server, which ends with its parent.
package main

import (
	"os"

	"binnacle.test/kubernetes/parent"
	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	parent.Follow()
	os.Exit(cli.Run(app.NewAPIServerCommand()))
}
