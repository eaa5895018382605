//go:build linux

package broker

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"proctor/executor/sandbox/denial"
	"proctor/policy/filesystem"
)

// trial is one call with the paths and numbers that it gets; paths are below a root of the test.
type trial struct {
	name   string
	number uintptr
	args   []any // string: text; int: number
}

// texts keeps the arguments of calls where their addresses point.
type texts [][]byte

func (h *texts) words(args []any, root string) (out [6]uint64) {
	for i, a := range args {
		switch a := a.(type) {
		case int:
			out[i] = uint64(a)
		case string:
			b := append([]byte(strings.ReplaceAll(a, "ROOT", root)), 0)
			*h = append(*h, b)
			out[i] = address(b)
		}
	}
	return out
}

// address is where text stands. Whoever passes it on keeps text alive.
func address(text []byte) uint64 { return uint64(uintptr(unsafe.Pointer(&text[0]))) }

// layout makes what a trial starts from: w may be written but for w/.git, out may not.
func layout(t *rapid.T, root string) {
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{"w/.git", "w/d/e", "out/d"} {
		must(os.MkdirAll(filepath.Join(root, d), 0o755))
	}
	for _, f := range []string{"w/a", "w/d/f", "w/.git/config", "out/f"} {
		must(os.WriteFile(filepath.Join(root, f), []byte("content of "+f), 0o644))
	}
	for name, to := range map[string]string{"w/l": "d/f", "w/up": "../out", "w/git": ".git", "w/loop": "loop", "w/none": "d/new"} {
		must(os.Symlink(to, filepath.Join(root, name)))
	}
}

func planFor(root string) filesystem.Plan {
	w := filepath.Join(root, "w")
	return filesystem.Plan{Mode: filesystem.WorkspaceWrite, ReadAll: true, Network: filesystem.NetworkOff, Writable: []filesystem.Root{{Path: w, Kind: filesystem.Dir,
		Protected: []filesystem.Protected{{Path: w + "/.git", Kind: filesystem.Dir, Name: ".git"}}}}}
}

// inventory tells what lies below root: kind, permission, number of names, content or target of each path.
func inventory(t *rapid.T, root string) map[string]string {
	out := map[string]string{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text := ""
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			text, err = os.Readlink(p)
		case info.Mode().IsRegular():
			var b []byte
			b, err = os.ReadFile(p)
			text = string(b)
		}
		out[strings.TrimPrefix(p, root)] = fmt.Sprint(info.Mode(), " ", info.Sys().(*syscall.Stat_t).Nlink, " ", text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func drawTrial(t *rapid.T) trial {
	text := func(label string) string {
		return "ROOT/" + rapid.SampledFrom([]string{"w/a", "w/b", "w/d", "w/d/f", "w/d/", "w/d/e", "w/d/new", "w/d/../a", "w/d/./f", "w//a", "w/l", "w/l/", "w/up", "w/up/f", "w/up/d",
			"w/up/../w/a", "w/git/config", "w/.git", "w/.git/config", "w/.git/new", "w/loop", "w/none", "w", "w/.", "w/..", "out/f", "out/new", "out", "w/d/e/..", "w/missing/x", "w/a/x"}).Draw(t, label)
	}
	pick := func(label string, of ...int) int { return rapid.SampledFrom(of).Draw(t, label) }
	// The owner can always get in, so that an ordinary user can look afterwards.
	perm := func() int { return pick("permission", 0o744, 0o755, 0o4755, 0o2755, 0o700) }
	const here = unix.AT_FDCWD
	switch rapid.IntRange(0, 10).Draw(t, "call") {
	case 0:
		access := pick("access", unix.O_RDONLY, unix.O_WRONLY, unix.O_RDWR)
		more := pick("flags", 0, unix.O_CREAT, unix.O_CREAT|unix.O_EXCL, unix.O_TRUNC, unix.O_CREAT|unix.O_TRUNC, unix.O_NOFOLLOW, unix.O_DIRECTORY, unix.O_CREAT|unix.O_NOFOLLOW, unix.O_APPEND)
		return trial{"openat", unix.SYS_OPENAT, []any{here, text("path"), access | more | unix.O_CLOEXEC | unix.O_NONBLOCK, perm()}}
	case 1:
		return trial{"mkdirat", unix.SYS_MKDIRAT, []any{here, text("path"), pick("permission", 0o755, 0o700)}}
	case 2:
		return trial{"mknodat", unix.SYS_MKNODAT, []any{here, text("path"), pick("kind", unix.S_IFREG, unix.S_IFIFO) | 0o644}}
	case 3:
		return trial{"symlinkat", unix.SYS_SYMLINKAT, []any{rapid.SampledFrom([]string{"a", "../out", ".git"}).Draw(t, "target"), here, text("path")}}
	case 4:
		return trial{"linkat", unix.SYS_LINKAT, []any{here, text("old"), here, text("new"), pick("flags", 0, unix.AT_SYMLINK_FOLLOW)}}
	case 5:
		return trial{"unlinkat", unix.SYS_UNLINKAT, []any{here, text("path"), pick("flags", 0, unix.AT_REMOVEDIR)}}
	case 6:
		return trial{"renameat2", unix.SYS_RENAMEAT2, []any{here, text("old"), here, text("new"), pick("flags", 0, 0, unix.RENAME_NOREPLACE, unix.RENAME_EXCHANGE)}}
	case 7:
		return trial{"fchmodat", unix.SYS_FCHMODAT, []any{here, text("path"), perm()}}
	case 8:
		return trial{"truncate", unix.SYS_TRUNCATE, []any{text("path"), pick("size", 0, 3)}}
	case 9:
		return trial{"utimensat", unix.SYS_UTIMENSAT, []any{here, text("path"), 0, pick("flags", 0, unix.AT_SYMLINK_NOFOLLOW)}}
	}
	return trial{"lsetxattr", unix.SYS_LSETXATTR, []any{text("path"), "user.x", "v", 1, 0}}
}

// Whatever a command does, the broker gives the kernel's answer and leaves the kernel's result where the plan allows it, and
// nothing changes where the plan does not.
func TestTheBrokerDoesAsTheKernel(t *testing.T) {
	base := t.TempDir()
	old := unix.Umask(0) // as the broker runs
	defer unix.Umask(old)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		ours, theirs := filepath.Join(base, fmt.Sprint(run), "ours"), filepath.Join(base, fmt.Sprint(run), "theirs")
		defer os.RemoveAll(filepath.Dir(ours))
		layout(t, ours)
		layout(t, theirs)
		closed := inventory(t, ours+"/out")
		git := inventory(t, ours+"/w/.git")
		b := New(planFor(ours), time.Now(), 0)
		for range rapid.IntRange(1, 12).Draw(t, "length") {
			c := drawTrial(t)
			var keep texts
			a, known := b.Act(denial.Request{Thread: unix.Gettid(), Number: int32(c.number), Name: c.name, Args: keep.words(c.args, ours)})
			runtime.KeepAlive(keep)
			if a.Give {
				_ = unix.Close(a.FD)
			}
			if !known || a.Denial != nil || a.Later != nil {
				continue // left to the kernel, refused, or a pipe that waits
			}
			if got, want := a.Errno, kernel(c, theirs); !alike(c, got, want) {
				t.Fatalf("%s %v: %v, the kernel says %v", c.name, c.args, got, want)
			}
		}
		if d := cmp.Diff(inventory(t, theirs), inventory(t, ours)); d != "" {
			t.Fatalf("the kernel leaves something else (-kernel +broker):\n%s", d)
		}
		if d := cmp.Diff(closed, inventory(t, ours+"/out")) + cmp.Diff(git, inventory(t, ours+"/w/.git")); d != "" {
			t.Fatalf("changed against the plan:\n%s", d)
		}
	})
}

func kernel(c trial, root string) unix.Errno {
	var keep texts
	w := keep.words(c.args, root)
	r, _, errno := unix.Syscall6(c.number, uintptr(w[0]), uintptr(w[1]), uintptr(w[2]), uintptr(w[3]), uintptr(w[4]), uintptr(w[5]))
	runtime.KeepAlive(keep)
	if errno == 0 && c.name == "openat" {
		_ = unix.Close(int(r))
	}
	return errno
}

// alike: which of several errors comes first is the kernel's business where a path ends in a slash or in dots.
func alike(c trial, got, want unix.Errno) bool {
	if got == want {
		return true
	}
	odd := func(a any) bool {
		text, ok := a.(string)
		return ok && (strings.HasSuffix(text, "/") || strings.HasSuffix(text, "/.") || strings.HasSuffix(text, "/.."))
	}
	return got != 0 && want != 0 && slices.ContainsFunc(c.args, odd)
}
