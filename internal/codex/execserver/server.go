package execserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"proctor/event"
)

// maxRequests bounds the requests of a connection that are worked on at the same time.
const maxRequests = 64

// Options of a Server. Host is required.
type Options struct {
	Host        Host
	Environment Environment
	// Workspace is the folder of a thread before its client says where it works.
	Workspace string
	// Thread finds the thread at the client's process; nil, or an empty answer, when it cannot be found.
	Thread func() string
	// Allowed says whether a client may work in a folder; nil allows every folder.
	Allowed func(workspace string) error
	// Attached is told of each client that begins to speak; it may be nil.
	Attached func()
	// Warn tells a person something, once. It may be nil.
	Warn func(text string)
}

// Server serves clients.
type Server struct{ o Options }

// New makes a server.
func New(o Options) *Server {
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	return &Server{o}
}

// errClient ends a connection whose client is gone; what ran for it is killed.
var errClient = errors.New("the client is gone")

// Serve works for one client until it is gone, ctx ends, or nothing can be recorded any more: only that, and a client that does not speak the
// protocol, are errors. What the client started has ended and its sessions are closed when it returns.
func (s *Server) Serve(ctx context.Context, to Conn) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c := newConnection(s.o, to, cancel)
	received := make(chan error, 1)
	var reading sync.WaitGroup
	reading.Go(func() { received <- c.receive(ctx) })
	var err error
	select {
	case err = <-received:
		cancel(errClient)
	case <-ctx.Done():
		if cause := context.Cause(ctx); !errors.Is(cause, errClient) {
			err = cause
		}
	}
	err = errors.Join(c.end(ctx), err)
	if closer, ok := to.(io.Closer); ok {
		_ = closer.Close() // ends receive
		reading.Wait()
	}
	if errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// receive takes requests in order and starts the work on each.
func (c *connection) receive(ctx context.Context) error {
	slots := make(chan struct{}, maxRequests)
	for {
		frame, err := c.to.Read()
		if err != nil {
			return err
		}
		m, err := decode(frame)
		if err != nil {
			return err
		}
		handle, ok := methods[m.Method]
		switch {
		case m.notification():
			continue // "initialized" and others: nobody waits, nothing is done
		case !ok:
			c.reply(m, nil, fault(codeMethod, "method %s is not served by proctor; it serves the exec-server protocol of Codex %s", m.Method, ProtocolVersion))
			continue
		}
		m.Params = append([]byte(nil), m.Params...) // the frame is used again
		m.ID = append([]byte(nil), m.ID...)
		work := handle(c, m)
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		c.work.Go(func() {
			defer func() { <-slots }()
			result, bad, err := work(ctx)
			if err != nil {
				bad = fault(codeInternal, "%v", err)
				if errors.Is(err, event.ErrNotRecorded) {
					c.cancel(err)
				}
			}
			if result != nil || bad != nil {
				c.reply(m, result, bad)
			}
		})
	}
}

// work is what is left of a request once its place in the order is taken. Without an answer it has answered already.
type work func(ctx context.Context) (result any, bad *callError, err error)

// methods are the requests that are served. A function runs in the order of the requests and returns what may run beside others.
var methods = map[string]func(*connection, message) work{
	"initialize":         (*connection).initialize,
	"environment/info":   (*connection).environment,
	"process/start":      (*connection).start,
	"process/read":       (*connection).readOutput,
	"process/write":      (*connection).write,
	"process/signal":     (*connection).signal,
	"process/terminate":  (*connection).terminate,
	"fs/getMetadata":     (*connection).metadata,
	"fs/readFile":        (*connection).readFile,
	"fs/readDirectory":   (*connection).readDirectory,
	"fs/canonicalize":    (*connection).canonicalize,
	"fs/writeFile":       (*connection).writeFile,
	"fs/createDirectory": (*connection).createDirectory,
	"fs/remove":          (*connection).remove,
	"fs/copy":            (*connection).copyFile,
}

// refuse is work that only says why not.
func refuse(bad *callError) work {
	return func(context.Context) (any, *callError, error) { return nil, bad, nil }
}

func (c *connection) reply(m message, result any, bad *callError) {
	if bad != nil {
		result = nil
	}
	c.send(answer{ID: m.ID, Result: result, Error: bad})
}

func (c *connection) notify(method string, params any) { c.send(notice{method, params}) }

// send gives a message to the client. One that takes none any more is gone.
func (c *connection) send(v any) {
	if err := c.to.Write(v); err != nil {
		c.cancel(fmt.Errorf("%w: %w", errClient, err))
	}
}

func (c *connection) initialize(m message) work {
	p, bad := params[initializeParams](m)
	if bad != nil {
		return refuse(bad)
	}
	if p.ResumeSessionID != nil {
		return refuse(fault(codeRequest, "session %s cannot be resumed: what ran in it was ended with its connection", clip(*p.ResumeSessionID, 64)))
	}
	c.mu.Lock()
	c.client = clip(p.ClientName, 64)
	c.mu.Unlock()
	if c.o.Attached != nil {
		c.o.Attached()
	}
	return func(context.Context) (any, *callError, error) { return initialized{c.id, c.o.Environment}, nil, nil }
}

func (c *connection) environment(message) work {
	return func(context.Context) (any, *callError, error) { return c.o.Environment, nil, nil }
}
