//go:build linux

package landlock

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/denial"
	"proctor/executor/sandbox/landlock/broker"
	"proctor/executor/sandbox/seccomp"
)

// The structures and requests of seccomp_unotify(2).
type notification struct {
	ID    uint64
	PID   uint32
	Flags uint32
	Data  struct {
		Number      int32
		Arch        uint32
		Instruction uint64
		Args        [6]uint64
	}
}

type response struct {
	ID    uint64
	Value int64
	Error int32
	Flags uint32
}

type addition struct {
	ID                           uint64
	Flags, Source, New, NewFlags uint32
}

const (
	requestReceive = 0xc0502100
	requestSend    = 0xc0182101
	requestValid   = 0x40082102
	requestAdd     = 0x40182103
	addAndSend     = 1 << 1 // SECCOMP_ADDFD_FLAG_SEND
	// laterLimit is how many calls may wait at a time for somebody at the other end of a named pipe.
	laterLimit = 64
)

// watcher answers the stopped calls of one command.
type watcher struct {
	listener int
	broker   *broker.Broker
	calls    map[int32][]seccomp.Call
	tracer   int
	report   func(sandbox.Denial)

	waiting           chan struct{}
	later             sync.WaitGroup
	reported, dropped int
	mu                sync.Mutex // guards the counts
}

// run answers until the listener is gone with the last process under the filter.
func (w *watcher) run() {
	w.waiting = make(chan struct{}, laterLimit)
	fds := []unix.PollFd{{Fd: int32(w.listener), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(fds, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
		if fds[0].Revents&unix.POLLIN != 0 {
			var n notification
			if ioctl(w.listener, requestReceive, unsafe.Pointer(&n)) == nil {
				w.answer(&n)
			}
		} else if fds[0].Revents != 0 {
			return
		}
	}
}

func (w *watcher) answer(n *notification) {
	a := w.decide(n)
	if a.Later == nil {
		w.send(n, a)
		return
	}
	select {
	case w.waiting <- struct{}{}:
	default:
		w.send(n, broker.Answer{Done: true, FD: -1, Errno: unix.EMFILE})
		return
	}
	id := n.ID
	w.later.Go(func() { // ends when the pipe opens, or with this process
		defer func() { <-w.waiting }()
		w.send(&notification{ID: id}, a.Later())
	})
}

func (w *watcher) decide(n *notification) broker.Answer {
	if a, ok := broker.Process(uint32(n.Data.Number), int(n.PID), w.tracer, n.Data.Args); ok {
		return a
	}
	rows := w.calls[n.Data.Number]
	if len(rows) == 0 {
		return broker.Answer{Done: true, FD: -1, Errno: unix.EPERM}
	}
	if a, ok := w.broker.Serve(broker.Request{Thread: int(n.PID), Row: rows[0], Args: n.Data.Args}); ok {
		return a
	}
	d := sandbox.Denial{Syscall: rows[0].Name, Access: rows[0].Access, Rule: denial.RulePrivilegedCall, Errno: unix.EPERM}
	if rows[0].Scope != seccomp.Always {
		d.Rule = denial.RuleNetworkOff
	}
	return broker.Answer{Done: true, FD: -1, Errno: unix.EPERM, Denial: &d}
}

// send answers the kernel. An error means that the caller died: there is nobody to tell.
func (w *watcher) send(n *notification, a broker.Answer) {
	if a.Denial != nil {
		w.denied(n, *a.Denial)
	}
	switch {
	case !a.Done:
		r := response{ID: n.ID, Flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
		_ = ioctl(w.listener, requestSend, unsafe.Pointer(&r))
	case a.FD >= 0:
		defer unix.Close(a.FD)
		add := addition{ID: n.ID, Flags: addAndSend, Source: uint32(a.FD)}
		if a.CloseOnExec {
			add.NewFlags = unix.O_CLOEXEC
		}
		if err := ioctl(w.listener, requestAdd, unsafe.Pointer(&add)); err != nil && !errors.Is(err, unix.ENOENT) {
			r := response{ID: n.ID, Error: -int32(unix.EMFILE)}
			_ = ioctl(w.listener, requestSend, unsafe.Pointer(&r))
		}
	default:
		r := response{ID: n.ID, Value: a.Value, Error: -int32(a.Errno)}
		_ = ioctl(w.listener, requestSend, unsafe.Pointer(&r))
	}
}

func (w *watcher) denied(n *notification, d sandbox.Denial) {
	if n.PID == 0 || ioctl(w.listener, requestValid, unsafe.Pointer(&n.ID)) != nil {
		return // the caller is gone, and what was read may belong to another process
	}
	w.mu.Lock()
	full := w.reported >= denial.Limit
	if full {
		w.dropped++
	} else {
		w.reported++
	}
	w.mu.Unlock()
	if full {
		return
	}
	d.At, d.PID, d.Program = time.Now(), int(n.PID), programOf(int(n.PID))
	w.report(d)
}

func (w *watcher) counts() (reported, dropped int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reported, w.dropped
}

func programOf(pid int) string {
	exe, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe")
	if err != nil {
		return ""
	}
	name := filepath.Base(strings.TrimSuffix(exe, " (deleted)"))
	return name[:min(len(name), 255)]
}

func ioctl(fd int, request uintptr, arg unsafe.Pointer) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg))
		if errno == 0 {
			return nil
		}
		if !errors.Is(errno, unix.EINTR) {
			return errno
		}
	}
}
