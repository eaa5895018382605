//go:build linux

package backend_test

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"proctor/executor/sandbox"
)

// BenchmarkStart runs /bin/true in turns under bare bwrap (the same namespaces and mounts, started by os/exec) and
// under the backends, so that load on the machine hits all alike. It reports the median, the fastest run (fairest on a
// busy machine) and the ratios of both to bare bwrap.
func BenchmarkStart(b *testing.B) {
	bare, err := exec.LookPath("bwrap")
	if err != nil {
		b.Skip("missing capability: bwrap is not installed")
	}
	x := newBox(b, "bwrap")
	s := x.spec(b, x.request(), "/bin/true")
	run := func(be sandbox.Backend) func() {
		return func() {
			p, err := be.Start(b.Context(), s)
			if err != nil {
				b.Fatal(err)
			}
			if r := p.Wait(); r.ExitCode != 0 {
				b.Fatalf("%+v", r)
			}
		}
	}
	unsupervised := options(b, "bwrap")
	unsupervised.Unsupervised = true
	plain, err := selectBackend(b, unsupervised)
	if err != nil {
		b.Fatal(err)
	}
	rounds := []struct {
		name string
		do   func()
		took []time.Duration
	}{
		{name: "bare", do: func() {
			cmd := exec.Command(bare, "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-net", "--die-with-parent",
				"--new-session", "--cap-drop", "ALL", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc",
				"--bind", x.ws, x.ws, "--chdir", x.ws, "--", "/bin/true")
			cmd.Env = os.Environ()
			if out, err := cmd.CombinedOutput(); err != nil {
				b.Fatalf("%v: %s", err, out)
			}
		}},
		{name: "bwrap", do: run(x.backend)},
		{name: "bwrap-unsupervised", do: run(plain)},
		{name: "native", do: run(newBox(b, "native").backend)},
	}
	for b.Loop() {
		for i := range rounds {
			begin := time.Now()
			rounds[i].do()
			rounds[i].took = append(rounds[i].took, time.Since(begin))
		}
	}
	var bareMedian, bareBest float64
	for i, r := range rounds {
		slices.Sort(r.took)
		median, best := r.took[len(r.took)/2].Seconds()*1000, r.took[0].Seconds()*1000
		if i == 0 {
			bareMedian, bareBest = median, best
		}
		b.ReportMetric(median, r.name+"-median-ms")
		b.ReportMetric(best, r.name+"-best-ms")
		b.ReportMetric(median/bareMedian, r.name+"-median-ratio")
		b.ReportMetric(best/bareBest, r.name+"-best-ratio")
	}
}
