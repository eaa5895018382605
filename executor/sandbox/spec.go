package sandbox

import (
	"context"
	"os"
	"syscall"
	"time"

	"proctor/policy/filesystem"
)

// Stream names where output came from. A terminal has one stream only, Stdout.
type Stream string

// The two output streams of a process without a terminal.
const (
	Stdout Stream = "stdout"
	Stderr Stream = "stderr"
)

// Spec says what to run and how it is confined.
type Spec struct {
	// Argv is the command; Argv[0] is looked up in the PATH of Env unless it has a slash.
	Argv []string
	// Dir is the absolute working directory.
	Dir string
	// Env is the whole environment, as "NAME=value"; nothing is added but what the sandbox itself announces.
	Env []string
	// Plan is what the process may touch. It is applied as given: no mode is widened here.
	Plan filesystem.Plan
	// Limits hold for the command and all that it starts. Plans without confinement have none.
	Limits Limits
	// TTY gives the process a terminal of Rows by Cols (24 by 80 when zero).
	TTY        bool
	Rows, Cols uint16
	// Stdin keeps standard input open for Process.Write; otherwise it is empty.
	Stdin bool
	// StdinFile, StdoutFile and StderrFile, when set, are handed to the process as they are
	// (proctor sandbox, proctor run); then OnOutput sees nothing of that stream.
	StdinFile, StdoutFile, StderrFile *os.File
	// StdoutTTY and StderrTTY make the one stream a terminal (not the controlling one) that OnOutput still sees; Merged sends
	// standard error where standard output goes, so that their order is kept. They do not go with TTY or a file for the stream.
	StdoutTTY, StderrTTY, Merged bool

	// Proxy is required by a plan whose network is proxied, and not looked at otherwise.
	Proxy *Proxy
	// OnOutput receives output in order of arrival, from one goroutine at a time; it must not keep p.
	// It may block: that holds the process back, nothing is dropped.
	OnOutput func(s Stream, p []byte)
	// OnDenial receives each refused call within a quarter of a second, repeats counted together, from one goroutine at a time.
	OnDenial func(Denial)
	// OnChange receives, after the command has ended and before Wait returns, each file below ChangeRoots that it changed.
	// Only where calls are watched.
	OnChange    func(Change)
	ChangeRoots []string
}

// Denial is one system call that the plan refuses, as the process made it.
type Denial struct {
	At      time.Time
	PID     int    // in the host's PID namespace
	Program string // base name of the calling program, at most 255 bytes
	Syscall string // "openat", "connect", "unlinkat", ...
	// Path is the absolute path that was refused, or empty. At most 4096 bytes.
	Path string
	// Address is host:port, or the path of a Unix socket ("@name" when abstract), for network calls; for a socket that
	// may not be made at all it is the family, for example "inet".
	Address string
	// Access is what was wanted: "write", "create", "remove", "rename", "metadata", "connect", "bind", "mount", "trace", ...
	Access string
	// Rule is the reason code of the plan that refuses it, for example "outside_writable_roots", "protected_path",
	// "read_only", "network_off", "denied_read", "privileged_call".
	Rule string
	// Errno is what the process gets, for example EROFS or EPERM; 0 when the kernel decides and it is not known.
	Errno syscall.Errno
	// Count is how often the same program made the same call; At and PID are those of the first time.
	Count int
}

// Result is how a process ended.
type Result struct {
	// Backend is the name of the backend that ran it; empty from a backend that is used by itself.
	Backend string
	// ExitCode is the exit status, or 128 plus the signal.
	ExitCode int
	// Signal is set when a signal ended the process. bwrap reports only 128 plus the signal, so there it is set only
	// when the whole sandbox was killed.
	Signal syscall.Signal
	// Denials counts the calls reported to OnDenial, repeats included; DenialsDropped those above the limit per command, not reported.
	Denials, DenialsDropped int
	// ChangesOmitted counts the changed paths above the limit per command, which OnChange was not told.
	ChangesOmitted int
	// DenialsExact says that every refused call was watched; false means that none or not all could be.
	DenialsExact bool
	// SetupError is set when, against Start's promise, it turned out later that the confinement could not be
	// built and nothing was run (only possible without supervision). It wraps ErrSetup.
	SetupError error
	Duration   time.Duration

	// Blocked are sentences about destinations that the proxy refused, each once, BlockedMore counts those beyond a bound, and
	// EndedBy is the one for which the command was ended. The backends leave them empty.
	Blocked     []string
	BlockedMore int
	EndedBy     string
}

// Process is a running confined command. Its methods may be called from several goroutines.
type Process interface {
	// PID is the process that was started: the outermost one.
	PID() int
	// Write sends to standard input or the terminal.
	Write(p []byte) (int, error)
	// CloseStdin ends standard input; a terminal gets an end-of-file character.
	CloseStdin() error
	// Signal is sent to the confined command.
	Signal(sig syscall.Signal) error
	// Kill ends the command and everything below it, at once.
	Kill()
	// Wait returns when the command has ended and all output and denials were delivered.
	// It may be called more than once and returns the same result.
	Wait() Result
	// Done is closed when Wait would return at once.
	Done() <-chan struct{}
}

// Resizer is a Process with a terminal, whose size can change.
type Resizer interface {
	Resize(rows, cols uint16) error
}

// Keeper is a Backend that can prepare a plan once for many commands. What it prepares (see
// mountpoint) stays on the host until release is called; without Keep each command prepares anew.
type Keeper interface {
	Keep(plan filesystem.Plan) (release func(), err error)
}

// Backend confines processes in one way.
type Backend interface {
	// Name is "bwrap", "native", "landlock" or "none".
	Name() string
	// Start runs spec. When ctx ends the process is killed. An error means that nothing was run.
	Start(ctx context.Context, spec Spec) (Process, error)
}
