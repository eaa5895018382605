package bus_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"proctor/bus/bustest"
)

// TestMain also is the process that TestOwnersAreKilled starts and kills.
func TestMain(m *testing.M) {
	bustest.Main()
	if dir := os.Getenv(nodeDir); dir != "" {
		fmt.Fprintln(os.Stderr, "node:", nodeUntilKilled(dir))
		os.Exit(1)
	}
	if dir := os.Getenv(writerDir); dir != "" {
		if err := writeUntilKilled(dir); err != nil {
			fmt.Fprintln(os.Stderr, "writer:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}
