// Package parent ends a server with the process that started it, also when that one is killed: tests leave nothing behind.
package parent

import (
	"io"
	"os"
)

// Follow ends this process when standard input, a pipe of the parent, closes.
func Follow() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
}
