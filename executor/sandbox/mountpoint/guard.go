//go:build linux

package mountpoint

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"proctor/executor/sandbox/steps"
)

// guardArg0 is argv[0] of the sweeper process.
const guardArg0 = "proctor-mountpoint-sweeper"

// Main turns this process into the sweeper when it was started as one, and then does not return.
// The binary's main and TestMain call it first, before anything else.
func Main() {
	if len(os.Args) != 2 || os.Args[0] != guardArg0 {
		return
	}
	// The process that started the waiter is gone, in whatever way.
	r := &Registry{dir: os.Args[1], told: -1}
	// The kernel closes the descriptors of a killed process one by one: its locks may outlive its end of the
	// pipe by a moment. What is in use after that belongs to somebody else.
	for range sweepTries {
		used, err := r.sweep()
		if err != nil {
			os.Exit(1)
		}
		if used == 0 {
			break
		}
		time.Sleep(sweepPause)
	}
	os.Exit(0)
}

const (
	sweepTries = 40
	sweepPause = 25 * time.Millisecond
)

// Guard starts a sweeper that removes leftovers at once when this process is killed. It is started at most once;
// the zero value is ready. Without it leftovers wait for the next Open.
//
// Until then a program of a few steps waits in its place, which follows whether placeholders are held: only when this
// process ends while some are does it become the sweeper.
type Guard struct {
	once sync.Once
	err  error
}

// Start starts the sweeper for r by running exe, a program whose main calls Main.
// It does not wait: the sweeper ends by itself after this process.
func (g *Guard) Start(r *Registry, exe string) error {
	g.once.Do(func() {
		if err := r.guard(exe); err != nil {
			g.err = fmt.Errorf("start mount point sweeper: %w", err)
		}
	})
	return g.err
}

func (r *Registry) guard(exe string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	program, err := os.Open(exe)
	if err != nil {
		return err
	}
	defer program.Close()
	image, err := waiter(r.dir, r.holders > 0).File("sweeper")
	if err != nil {
		return err
	}
	defer image.Close()
	// The write end stays open for the life of the process: its closing is the signal. It is a bare descriptor, since
	// an os.File would be closed by the garbage collector with the last reference to it.
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return err
	}
	read, write := os.NewFile(uintptr(ends[0]), "sweeper"), ends[1]
	defer read.Close()
	p, err := os.StartProcess("/proc/self/fd/3", []string{guardArg0}, &os.ProcAttr{
		Dir: "/", Env: []string{}, Files: []*os.File{read, nil, nil, image, program}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return errors.Join(err, unix.Close(write))
	}
	r.told = write
	return p.Release()
}

// waiter reads from standard input and takes each byte as the news that placeholders are held now, or no longer. At the end
// of input it goes away, or as long as they are held becomes the sweeper, which is open as descriptor 4.
func waiter(dir string, held bool) *steps.Program {
	p := steps.New()
	read := steps.Step{Name: "wait for news", Call: unix.SYS_READ, Args: [6]uintptr{0, p.Words(0), 1}}
	sweep := steps.Step{Name: "become the sweeper", Call: unix.SYS_EXECVE, Args: [6]uintptr{
		p.String("/proc/self/fd/4"), p.Strings([]string{guardArg0, dir}), p.Strings(nil)}}
	exit := steps.Step{Name: "go away", Call: unix.SYS_EXIT_GROUP}
	start := p.Add(steps.Step{Name: "begin", Call: unix.SYS_GETPID})
	free, holding := p.Add(read), p.Add(read)
	p.At(free).Positive, p.At(holding).Positive = holding, free
	p.At(holding).Then = p.Add(sweep)
	p.At(free).Then = p.Add(exit)
	for _, at := range []uintptr{free, holding} {
		p.At(at).Fail = p.At(holding).Then
	}
	p.At(p.At(holding).Then).Fail = p.At(free).Then
	p.At(start).Positive = free
	if held {
		p.At(start).Positive = holding
	}
	return p
}

// count follows how many holds there are and tells the waiter when the first comes and when the last goes.
func (r *Registry) count(change int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.holders
	r.holders += change
	if r.told >= 0 && (before == 0) != (r.holders == 0) {
		_, _ = unix.Write(r.told, []byte{0}) // a waiter that is gone needs no news
	}
}
