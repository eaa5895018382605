package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"proctor/bus/bustest"
)

// TestClusterScripts is the acceptance suite beyond one machine: scripts with three NATS servers, whose addresses are in $NODE_URL and $AGENT_URL.
func TestClusterScripts(t *testing.T) {
	servers := bustest.Start(t, 3)
	p := scripts(t)
	p.Dir = "testdata/cluster"
	p.Setup = func(env *testscript.Env) error {
		env.Setenv("NODE_URL", servers.URL("node"))
		env.Setenv("AGENT_URL", servers.URL("agent"))
		for _, dir := range []string{"node", "agent"} {
			if err := os.MkdirAll(env.WorkDir+"/"+dir, 0o700); err != nil {
				return err
			}
		}
		return setup(env)
	}
	testscript.Run(t, p)
}
