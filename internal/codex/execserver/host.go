package execserver

import (
	"context"
	"path/filepath"
	"runtime"
	"sync/atomic"

	"proctor/event"
	"proctor/executor"
	"proctor/executor/sandbox"
	"proctor/internal/config"
	"proctor/policy/filesystem"
)

// Thread is what a session is made for.
type Thread struct {
	// ID is the client's thread, or the connection where none is known; KnownBy says which.
	ID, KnownBy string
	// Workspace is the absolute folder that the client works in.
	Workspace string
	// About is recorded in the session.
	About event.ExecutorAttachedPayload
}

// How the id of a session is known.
const (
	ByRequest    = "request"    // the client named it
	ByProcess    = "process"    // it was found at the client's process
	ByConnection = "connection" // it was made for the connection
)

// Host makes sessions. Its methods may be called at the same time.
type Host interface {
	// Session is the session of a thread, new or resumed. An error means that nothing can be run for it.
	Session(ctx context.Context, t Thread) (*Session, error)
}

// Session is where the calls of one thread are decided and recorded.
type Session struct {
	Calls *executor.Session
	// Stream is that of the session, for further facts about it; Elicit is that of its gate.
	Stream *event.Stream
	Elicit func(ctx context.Context, call string, a event.Action) (approved bool, err error)
	// Workspace is that of the thread that it was made for.
	Workspace string
	// Environ is what commands get of this process's environment under a policy of the client.
	Environ func(config.ShellEnvironmentPolicy) []string
	Limits  sandbox.Limits
	// Narrow makes the plan of a request that the client states, see Intersect.
	Narrow func(filesystem.Request) (func(filesystem.Plan) filesystem.Plan, error)
	// Reason is why a call wants to leave the sandbox, where that is known; nil knows nothing.
	Reason func(call string) string
	// TmpDir is the folder for temporary files, or empty.
	TmpDir string
	// Close ends the session, with everything that runs in it.
	Close func(ctx context.Context, reason string) error

	calls     atomic.Int32 // how many are under way
	narrowing narrowing
}

// NewEnvironment describes a place to clients.
func NewEnvironment(shell, cwd, home, tmp string) Environment {
	e := Environment{
		Shell: shellInfo{filepath.Base(shell), shell}, ExecutorVersion: ProtocolVersion, Cwd: uriOf(cwd), PlatformOs: runtime.GOOS,
		PrependPathDirs: []string{}, TemporaryDirectories: []string{uriOf(tmp)}, TempDir: uriOf(tmp), Capabilities: map[string]any{},
	}
	if home != "" {
		e.UserHomeDir = uriOf(home)
	}
	return e
}
