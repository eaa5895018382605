//go:build linux

package landlock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"

	"proctor/executor/sandbox/denial"
	"proctor/executor/sandbox/process"
	"proctor/executor/sandbox/seccomp"
)

// enter confines this thread, the only one that goes on, and becomes the command.
func enter(c control) int {
	err := become(c)
	_ = c.send(report{Error: err.Error()}, -1)
	return setupFailed
}

// become does not return when it succeeds.
func become(c control) error {
	// A first step of another thread would leave the supervisor without a hold on the command.
	if unix.Gettid() != os.Getpid() {
		return errors.New("the command's process is not on its main thread")
	}
	j, err := readJob(os.NewFile(fdJob, "sandbox job"))
	if err != nil {
		return err
	}
	var o order
	if _, err := c.receive(&o); err != nil || !o.Enter {
		return fmt.Errorf("wait for the supervisor: %w", err)
	}
	if err := process.Limit(0, j.Limits); err != nil {
		return err
	}
	if err := restrict(j); err != nil {
		return err
	}
	if err := installFilters(c, j); err != nil {
		return err
	}
	return fmt.Errorf("execute %s: %w", j.Path, syscall.Exec(j.Path, j.Args, j.Env))
}

// restrict puts the rule set on this thread.
func restrict(j job) error {
	h := handled(j.ABI, j.networkOff())
	set, err := ll.LandlockCreateRuleset(&ll.RulesetAttr{HandledAccessFS: uint64(h.files), HandledAccessNet: h.net, Scoped: h.scoped}, 0)
	if err != nil {
		return fmt.Errorf("make Landlock rule set: %w", err)
	}
	defer unix.Close(set)
	for _, r := range j.Rules {
		if err := addRule(set, r, h.files); err != nil {
			return fmt.Errorf("add Landlock rule for %s: %w", r.Path, err)
		}
	}
	if err := ll.LandlockRestrictSelf(set, 0); err != nil {
		return fmt.Errorf("restrict by Landlock: %w", err)
	}
	return nil
}

// addRule skips what is gone or out of reach: nothing is granted there.
func addRule(set int, r rule, handled access) error {
	fd, err := unix.Open(r.Path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	granted := r.Access & handled
	switch {
	case st.Mode&unix.S_IFMT == unix.S_IFLNK: // came after the plan
		return nil
	case strings.HasPrefix(r.Path, "/dev/") && r.Access&ll.AccessFSWriteFile != 0 && st.Mode&unix.S_IFMT != unix.S_IFCHR:
		return nil // a device by name only
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		granted &= onFiles
	}
	if granted == 0 {
		return nil
	}
	return ll.LandlockAddPathBeneathRule(set, &ll.PathBeneathAttr{AllowedAccess: uint64(granted), ParentFd: fd}, 0)
}

// installFilters puts the filters on this thread. The one with the listener comes last but one: what comes after must
// not need an answer before the supervisor has it.
func installFilters(c control, j job) error {
	calls, err := seccomp.ByNumber(seccomp.ModeOf(j.Plan))
	if err != nil {
		return err
	}
	rows := closed()
	quiet := seccomp.Quiet
	if !j.Watched {
		rows = append(rows, unwatched(calls)...)
		quiet = seccomp.Enforce
	}
	own, err := closing(rows)
	if err != nil {
		return err
	}
	table, err := quiet(seccomp.ModeOf(j.Plan))
	if err != nil {
		return err
	}
	for _, p := range []seccomp.Program{own, table} {
		if err := denial.Load(p); err != nil {
			return fmt.Errorf("install seccomp filter: %w", err)
		}
	}
	if !j.Watched {
		return nil
	}
	notify, err := watching(seccomp.ModeOf(j.Plan))
	if err != nil {
		return err
	}
	l, err := denial.Install(notify)
	if err != nil {
		return err
	}
	defer l.Close()
	if err := c.send(report{Listener: true}, int(l.Fd())); err != nil {
		return fmt.Errorf("hand over the listener: %w", err)
	}
	return nil
}
