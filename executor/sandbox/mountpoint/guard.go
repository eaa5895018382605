package mountpoint

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// guardArg0 is argv[0] of the sweeper process.
const guardArg0 = "proctor-mountpoint-sweeper"

// Main turns this process into the sweeper when it was started as one, and then does not return.
// The binary's main and TestMain call it first, before anything else.
func Main() {
	if len(os.Args) != 2 || os.Args[0] != guardArg0 {
		return
	}
	// End of input: the process that held the other end is gone, in whatever way.
	_, _ = io.Copy(io.Discard, os.Stdin)
	r := &Registry{dir: os.Args[1]}
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
type Guard struct {
	once sync.Once
	err  error
}

// Start starts the sweeper for r by running exe, a program whose main calls Main.
// It does not wait: the sweeper ends by itself after this process.
func (g *Guard) Start(r *Registry, exe string) error {
	g.once.Do(func() {
		// The write end stays open for the life of the process: its closing is the signal. It is a bare descriptor, since
		// an os.File would be closed by the garbage collector with the last reference to the guard.
		var ends [2]int
		if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
			g.err = fmt.Errorf("start mount point sweeper: %w", err)
			return
		}
		read, write := os.NewFile(uintptr(ends[0]), "sweeper"), ends[1]
		defer read.Close()
		cmd := exec.Command(exe)
		cmd.Args = []string{guardArg0, r.dir}
		cmd.Env = []string{}
		cmd.Dir = "/"
		cmd.Stdin = read
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := cmd.Start(); err != nil {
			_ = unix.Close(write)
			g.err = fmt.Errorf("start mount point sweeper: %w", err)
			return
		}
		g.err = cmd.Process.Release()
	})
	return g.err
}
