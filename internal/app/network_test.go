package app

import (
	"testing"

	"proctor/executor"
)

// A command that knows of no proxy may connect before the goroutine that serves its road has begun: the decision has to name the call all the same.
func TestARoadIsKnownBeforeItIsServed(t *testing.T) {
	t.Parallel()
	n := &roads{open: map[string]executor.Road{}}
	n.Road(executor.Road{Call: "c1"})
	for execution := range n.open {
		if n.road(execution).Call == "c1" {
			return
		}
	}
	t.Errorf("roads: %+v", n.open)
}
