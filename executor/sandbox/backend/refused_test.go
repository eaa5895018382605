//go:build linux

package backend_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"proctor/executor/sandbox"
)

// Each refused call is one denial event that says what a person would ask: which call, on what, against which rule.
func TestEveryRefusedCallIsOneDenial(t *testing.T) {
	t.Parallel()
	const privileged = "privileged_call"
	one := func(call, target, access, rule string) []seen {
		return []seen{{"backend.test", call, target, access, rule}}
	}
	cases := []struct {
		call, arg string
		network   bool
		errno     syscall.Errno
		want      []seen
	}{
		{"mount", "WS", false, unix.EPERM, one("mount", "WS", "mount", privileged)},
		{"umount", "/proc", false, unix.EPERM, one("umount2", "/proc", "mount", privileged)},
		{"chroot", "WS", true, unix.EPERM, one("chroot", "WS", "mount", privileged)},
		{"setns", "", false, unix.EPERM, one("setns", "", "namespace", privileged)},
		{"unshare", "", false, unix.EPERM, one("unshare", "", "namespace", privileged)},
		{"clone3", "", false, unix.ENOSYS, nil},
		{"ptrace", "", true, unix.EPERM, one("ptrace", "", "trace", privileged)},
		{"vm-readv", "", false, unix.EPERM, one("process_vm_readv", "", "trace", privileged)},
		{"io_uring", "", true, unix.EPERM, one("io_uring_setup", "", "io_uring", privileged)},
		{"keyctl", "", false, unix.EPERM, one("keyctl", "", "keyring", privileged)},
		{"add-key", "", false, unix.EPERM, one("add_key", "", "keyring", privileged)},
		{"bpf", "", false, unix.EPERM, one("bpf", "", "kernel", privileged)},
		{"perf", "", false, unix.EPERM, one("perf_event_open", "", "kernel", privileged)},
		{"userfaultfd", "", false, unix.EPERM, one("userfaultfd", "", "kernel", privileged)},
		{"hostname", "", false, unix.EPERM, one("sethostname", "", "kernel", privileged)},
		{"settime", "", false, unix.EPERM, one("clock_settime", "", "kernel", privileged)},
		{"typing", "", false, unix.EPERM, one("ioctl", "", "terminal", privileged)},
		{"typing-high", "", true, unix.EPERM, one("ioctl", "", "terminal", privileged)},
		{"tcp", "", false, unix.EPERM, one("socket", "inet", "socket", "network_off")},
		{"udp", "", false, unix.EPERM, one("socket", "inet", "socket", "network_off")},
		{"raw", "", true, unix.EPERM, one("socket", "inet", "socket", "network_family")},
		{"netlink", "", false, unix.EPERM, one("socket", "netlink", "socket", "network_off")},
		{"alg", "", true, unix.EPERM, one("socket", "alg", "socket", "network_family")},
		{"vsock", "", true, unix.EPERM, one("socket", "vsock", "socket", "network_family")},
		{"stream-unix", "", false, unix.EPERM, one("socket", "unix", "socket", "network_off")},
		{"pair-datagram", "", false, unix.EPERM, one("socketpair", "unix", "socket", "network_off")},
		{"setuid-open", "WS/s1", false, unix.EPERM, one("openat", "WS/s1", "create", "set_user_id")},
		{"setuid-openat2", "WS/s2", false, unix.ENOSYS, nil},
		{"openat2", "OUT/f", false, unix.ENOSYS, one("openat2", "OUT/f", "create", "outside_writable_roots")},
		{"socket-file", "WS/s3", false, unix.EPERM, one("mknodat", "WS/s3", "create", privileged)},
		{"device", "WS/s4", true, unix.EPERM, one("mknodat", "WS/s4", "create", privileged)},
		{"chown", "WS/own", false, unix.EPERM, one("fchownat", "WS/own", "metadata", privileged)},
		{"chown-self", "WS/own", false, 0, nil},
		{"memory-program", "", false, unix.EACCES, one("execveat", "memfd:program", "execute", "memory_program")},
		{"memory-program-exec", "", true, unix.EACCES, one("execveat", "memfd:program", "execute", "memory_program")},
		{"allocate", "", false, unix.ENOMEM, one("mmap", "1073741824 bytes", "allocate", "memory_limit")},
		{"reserve", "", false, 0, nil},
	}
	eachBackend(t, func(t *testing.T, b box) {
		host(t, b, "touch own")
		places := strings.NewReplacer("WS", b.ws, "OUT", b.out)
		back := strings.NewReplacer(b.ws, "WS", b.out, "OUT")
		for _, c := range cases {
			r := b.call(t, c.network, c.call, places.Replace(c.arg))
			if !r.DenialsExact {
				t.Skip("missing capability: seccomp user notification")
			}
			errno := syscall.Errno(r.ExitCode)
			if c.call == "chown" && errno == unix.EINVAL {
				errno = unix.EPERM // a user that the namespace does not know
			}
			if errno != c.errno {
				t.Errorf("%s: errno %d, want %d (stderr %q)", c.call, r.ExitCode, c.errno, r.stderr)
			}
			var got []seen
			for _, d := range r.denials {
				name := d.Syscall
				switch name { // which of the two a library uses depends on the architecture
				case "mknod", "chown", "open":
					name = map[string]string{"mknod": "mknodat", "chown": "fchownat", "open": "openat"}[name]
				}
				got = append(got, seen{d.Program, name, back.Replace(d.Path + d.Address), d.Access, d.Rule})
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (network %v): denials (-want +got):\n%s", c.call, c.network, diff)
			}
		}
	})
}

func TestRepeatsAreOneDenialWithACount(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b box) {
		r := b.sh(t, "i=0; while [ $i -lt 40 ]; do echo > $OUT/f; i=$((i+1)); done 2>/dev/null")
		total := 0
		for _, d := range r.denials {
			total += d.Count
		}
		if len(r.denials) == 0 || len(r.denials) > 2 || total != 40 || r.Denials != 40 {
			t.Errorf("%d denials with %d repeats, counted %d, want one or two with 40", len(r.denials), total, r.Denials)
		}
	})
}

// What stands in memory may change between the look and the call: mounts decide.
func TestSwappingPathsOpensNothing(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b box) {
		own, denied := filepath.Join(b.ws, "aa"), filepath.Join(b.out, "a")
		for _, f := range []string{own, denied} {
			if err := os.WriteFile(f, nil, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if r := b.call(t, false, "swap", own+":"+denied); r.ExitCode != 0 && r.ExitCode != int(unix.EAGAIN) {
			t.Errorf("exit %d", r.ExitCode)
		}
		if info, err := os.Stat(denied); err != nil || info.Size() != 0 {
			t.Errorf("the denied file: %+v, %v", info, err)
		}
	})
}

func TestHostPipesAreNoWayOut(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b box) {
		host(t, b, "mkfifo p $OUT/p")
		time.Sleep(50 * time.Millisecond) // file systems date by the tick
		for _, path := range []string{"p", "$OUT/p"} {
			r := b.sh(t, "echo x 1<> "+path)
			if r.ExitCode == 0 || len(r.denials) != 1 || r.denials[0].Rule != "host_fifo" {
				t.Errorf("%s: exit %d, denials %+v", path, r.ExitCode, r.denials)
			}
		}
		if r := b.sh(t, "mkfifo q; cat q > got & echo x > q; wait; test -s got"); r.ExitCode != 0 || len(r.denials) != 0 {
			t.Errorf("own pipe: exit %d, denials %+v", r.ExitCode, r.denials)
		}
	})
}

func TestLimits(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b box) {
		s := b.spec(t, b.request(), "/bin/sh", "-c", "ulimit -c; ulimit -Hc; ulimit -Hn; ulimit -Hd")
		s.Limits = sandbox.Limits{OpenFiles: 77, Memory: 1 << 30}
		if r := b.run(t, s); r.stdout != "0\n0\n77\n1048576\n" {
			t.Errorf("limits: %q", r.stdout)
		}
		s = b.spec(t, b.request(), "/bin/sh", "-c", "i=0; while [ $i -lt 200 ]; do sleep 5 & i=$((i+1)); done; wait")
		s.Limits.Processes = 40
		if r := b.run(t, s); r.ExitCode == 0 {
			t.Error("200 processes with a limit of 40")
		}
		s = b.spec(t, b.request(), "/bin/sh", "-c", "kill -SEGV $$")
		if b.run(t, s); len(matches(t, b.ws+"/core*")) > 0 {
			t.Error("a core file was written")
		}
	})
}

func TestUnsupervisedLimits(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"bwrap", "native"} {
		b := newBox(t, name)
		b.backend = mustSelect(t, name, true)
		s := b.spec(t, b.request(), "/bin/sh", "-c", "ulimit -Hn")
		s.Limits.OpenFiles = 77
		if r := b.run(t, s); r.stdout != "77\n" {
			t.Errorf("%s: %q", name, r.stdout)
		}
	}
}

func matches(t *testing.T, pattern string) []string {
	t.Helper()
	list, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return list
}
