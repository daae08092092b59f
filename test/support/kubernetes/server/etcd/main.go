// Command etcd is the published etcd server, which ends with its parent.
package main

import (
	"os"

	"binnacle.test/kubernetes/parent"
	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	parent.Follow()
	etcdmain.Main(os.Args)
}
