//go:build linux

package backend_test

import (
	"net"
	"os"
	"strconv"
	"syscall"
	"testing"

	"proctor/executor/sandbox"
)

func (b box) call(t *testing.T, network bool, call, arg string) outcome {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r := b.request()
	r.NetworkAccess = network
	s := b.spec(t, r, exe)
	s.Limits.Allocation = 1 << 30
	s.Env = append(s.Env, "SANDBOX_TEST_CALL="+call, "SANDBOX_TEST_ARG="+arg)
	return b.run(t, s)
}

func TestCallsUnderNetworkModes(t *testing.T) {
	t.Parallel()
	const eperm = int(syscall.EPERM)
	cases := []struct {
		call    string
		network bool
		want    int
		rule    string
	}{
		{"tcp", false, eperm, "network_off"},
		{"tcp", true, 0, ""},
		{"datagram-unix", false, eperm, "network_off"},
		{"datagram-unix", true, 0, ""},
		{"stream-unix", false, eperm, "network_off"},
		{"stream-unix", true, 0, ""},
		{"pair", false, 0, ""},
		{"pair-datagram", false, eperm, "network_off"},
		{"pair-datagram", true, 0, ""},
		{"vsock", true, eperm, "network_family"},
		{"packet", true, eperm, "network_family"},
		{"ptrace", false, eperm, "privileged_call"},
		{"ptrace", true, eperm, "privileged_call"},
		{"io_uring", false, eperm, "privileged_call"},
		{"keyctl", true, eperm, "privileged_call"},
		{"bpf", false, eperm, "privileged_call"},
		{"unshare", true, eperm, "privileged_call"},
		{"mount-silent", false, eperm, ""},
	}
	eachBackend(t, func(t *testing.T, b box) {
		for _, c := range cases {
			r := b.call(t, c.network, c.call, "")
			if r.ExitCode != c.want {
				t.Errorf("%s (network %v): errno %d, want %d", c.call, c.network, r.ExitCode, c.want)
			}
			switch {
			case c.rule == "" && len(r.denials) > 0:
				t.Errorf("%s (network %v): unexpected denials %+v", c.call, c.network, r.denials)
			case c.rule != "" && (len(r.denials) != 1 || r.denials[0].Rule != c.rule):
				t.Errorf("%s (network %v): denials %+v, want one with rule %s", c.call, c.network, r.denials, c.rule)
			}
		}
	})
}

func TestHostSocketsAreOutOfReach(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b box) {
		path := b.ws + "/s"
		unixListener, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer unixListener.Close()
		tcp, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer tcp.Close()
		port := strconv.Itoa(tcp.Addr().(*net.TCPAddr).Port)
		r := b.call(t, false, "connect-unix", path)
		if r.ExitCode != int(syscall.EPERM) || len(r.denials) != 1 || r.denials[0].Address != path || r.denials[0].Syscall != "connect" {
			t.Errorf("unix: errno %d, denials %+v", r.ExitCode, r.denials)
		}
		if r := b.call(t, false, "connect-unix", "/no/daemon/here"); r.ExitCode == 0 || len(r.denials) != 0 {
			t.Errorf("absent unix socket: errno %d, denials %+v, want none", r.ExitCode, r.denials)
		}
		if r := b.call(t, false, "connect-tcp", port); r.ExitCode != int(syscall.EPERM) {
			t.Errorf("tcp, network off: errno %d, want EPERM", r.ExitCode)
		}
		if r := b.call(t, true, "connect-tcp", port); r.ExitCode != 0 {
			t.Errorf("tcp, network on: errno %d, want success", r.ExitCode)
		}
	})
}

// Without a supervisor the filter alone must refuse the same calls.
func TestUnsupervisedRefusesTheSame(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"bwrap", "native"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, name)
			b.backend = mustSelect(t, name, true)
			for _, call := range []string{"tcp", "datagram-unix", "pair-datagram", "ptrace", "io_uring", "keyctl", "bpf", "unshare", "mount-silent"} {
				r := b.call(t, false, call, "")
				if r.ExitCode != int(syscall.EPERM) || r.DenialsExact || len(r.denials) > 0 {
					t.Errorf("%s: %+v, want EPERM without denials", call, r)
				}
			}
			if r := b.sh(t, "echo x > $OUT/f"); r.ExitCode == 0 {
				t.Error("write outside went through")
			}
			s := b.spec(t, b.request(), "/bin/sh", "-c", "kill -TERM $$")
			if r := b.run(t, s); r.ExitCode != 143 {
				t.Errorf("signal: exit %d, want 143", r.ExitCode)
			}
		})
	}
}

func mustSelect(t *testing.T, name string, unsupervised bool) sandbox.Backend {
	t.Helper()
	o := options(t, name)
	o.Unsupervised = unsupervised
	b, err := selectBackend(t, o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
