package execserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/google/uuid"

	"proctor/event"
)

// connection is one client.
type connection struct {
	o      Options
	to     Conn
	id     string
	cancel context.CancelCauseFunc
	work   sync.WaitGroup // requests that are worked on, and processes

	mu        sync.Mutex // guards the fields below
	client    string
	version   string // of the client, once it told
	processes map[string]*process
	started   int                 // processes so far
	looks     int                 // requests about files so far
	opening   sync.Mutex          // held while a session is opened
	sessions  map[string]*Session // by thread
	threads   []string            // those that the client named, or that were found
	guessed   string              // where the client seems to work
	edits     chan struct{}       // closed when the last request that changes files is done
}

func newConnection(o Options, to Conn, cancel context.CancelCauseFunc) *connection {
	ready := make(chan struct{})
	close(ready)
	return &connection{o: o, to: to, id: uuid.Must(uuid.NewV7()).String(), cancel: cancel, processes: map[string]*process{}, sessions: map[string]*Session{}, edits: ready}
}

// end kills what runs and closes the sessions.
func (c *connection) end(ctx context.Context) error {
	c.mu.Lock()
	for _, p := range c.processes {
		p.stop()
	}
	c.mu.Unlock()
	c.work.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for _, s := range c.sessions {
		errs = append(errs, s.Close(ctx, "detached"))
	}
	return errors.Join(errs...)
}

// enter is the session of a thread for one call; leave ends the call. An empty thread stands for the one that is known on the connection.
func (c *connection) enter(ctx context.Context, thread, workspace string) (s *Session, leave func(), err error) {
	c.opening.Lock()
	defer c.opening.Unlock()
	thread, by := c.name(thread)
	c.mu.Lock()
	s = c.sessions[thread]
	moved := s != nil && workspace != "" && workspace != s.Workspace
	if moved && s.calls.Load() > 0 {
		c.mu.Unlock()
		return nil, nil, fmt.Errorf("thread %s works in %s now, and its calls in %s have not ended", thread, workspace, s.Workspace)
	}
	c.mu.Unlock()
	if moved { // other rules may hold there: the session goes on under them
		if err := s.Close(ctx, "moved"); err != nil {
			return nil, nil, err
		}
		s = nil
	}
	if s == nil {
		if s, err = c.open(ctx, thread, by, workspace); err != nil {
			return nil, nil, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sessions[thread] = s
	s.calls.Add(1)
	return s, func() { s.calls.Add(-1) }, nil
}

// open makes the session of a thread. It is called with opening held.
func (c *connection) open(ctx context.Context, thread, by, workspace string) (*Session, error) {
	c.mu.Lock()
	guessed := c.guessed
	c.mu.Unlock()
	workspace = cmp.Or(workspace, guessed, c.o.Workspace)
	if c.o.Allowed != nil {
		if err := c.o.Allowed(workspace); err != nil {
			return nil, err
		}
	}
	c.mu.Lock()
	about := event.ExecutorAttachedPayload{
		Connection: c.id, Transport: c.to.Transport(), Client: c.client, Version: c.version, ProtocolVersion: ProtocolVersion, Session: by, Workspace: workspace,
	}
	c.mu.Unlock()
	s, err := c.o.Host.Session(context.WithoutCancel(ctx), Thread{ID: thread, KnownBy: by, Workspace: workspace, About: about})
	if err != nil {
		return nil, fmt.Errorf("proctor cannot supervise thread %s: %w", thread, err)
	}
	return s, nil
}

// name is the id of the session of a thread, and how it is known.
func (c *connection) name(thread string) (id, by string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if thread != "" && uuid.Validate(thread) == nil {
		for _, known := range c.threads {
			if known == thread {
				return thread, ByRequest
			}
		}
		c.threads = append(c.threads, thread)
		return thread, ByRequest
	}
	if len(c.threads) == 0 && c.o.Thread != nil {
		if found := c.o.Thread(); uuid.Validate(found) == nil {
			c.threads = append(c.threads, found)
			return found, ByProcess
		}
	}
	if len(c.threads) == 1 {
		return c.threads[0], ByRequest
	}
	return c.id, ByConnection
}

// met notes the version that the client tells with its commands.
func (c *connection) met(version string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if version == "" || c.version != "" {
		return
	}
	if c.version = clip(version, 64); version != ProtocolVersion {
		c.o.Warn(fmt.Sprintf("Codex %s is not the version %s that the protocol of its executor was observed for: what it asks for and this server does not know is refused", c.version, ProtocolVersion))
	}
}

// guess notes the folder that a client works in, until it says so, by the file that it looks at first: .git there.
func (c *connection) guess(at string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.guessed == "" && filepath.Base(at) == ".git" {
		c.guessed = filepath.Dir(at)
	}
}
