//go:build linux

package backend_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"proctor/executor/sandbox/backend"
)

func TestMain(m *testing.M) {
	backend.Main()
	if supervisorMain() {
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}
