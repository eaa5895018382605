package appserver

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"sync"
)

// ErrGone means that the server ended, or stopped speaking the protocol.
var ErrGone = errors.New("codex app-server is gone")

// Options say how to start a server. All functions are called from one goroutine, in the order of the messages.
type Options struct {
	// Argv is the command line, Env the environment and Dir the folder of the server. Stderr gets what it says to people.
	Argv, Env []string
	Dir       string
	Stderr    io.Writer
	// Ask answers a question of the server; it may take its time. An error is told to the server.
	Ask func(method string, params json.RawMessage) (any, error)
	// Told hears what the server tells.
	Told func(method string, params json.RawMessage)
}

// Client is a running server.
type Client struct {
	o     Options
	cmd   *exec.Cmd
	in    io.WriteCloser
	work  sync.WaitGroup
	ended chan struct{} // closed when the server said its last word

	mu      sync.Mutex // guards the fields below, and writing
	next    int
	waiting map[string]chan reply
	err     error // why it ended, set before ended is closed
}

type reply struct {
	Result json.RawMessage
	Error  *rpcError
}

type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// message is any message of the server.
type message struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *rpcError       `json:"error"`
}

// Start starts a server. Close it.
func Start(o Options) (*Client, error) {
	c := &Client{o: o, ended: make(chan struct{}), waiting: map[string]chan reply{}}
	c.cmd = exec.Command(o.Argv[0], o.Argv[1:]...) //nolint:noctx // it ends with Close
	c.cmd.Env, c.cmd.Dir, c.cmd.Stderr = o.Env, o.Dir, o.Stderr
	ownGroup(c.cmd)
	in, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.in = in
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", o.Argv[0], err)
	}
	c.work.Go(func() { c.listen(out) })
	return c, nil
}

// PID is the process of the server, and the id of its group.
func (c *Client) PID() int { return c.cmd.Process.Pid }

// Ended is closed when the server is gone; Err then says why.
func (c *Client) Ended() <-chan struct{} { return c.ended }

// Err is nil while the server runs.
func (c *Client) Err() error {
	select {
	case <-c.ended:
		return c.err
	default:
		return nil
	}
}

// Close kills the server and all that it started, and waits until it is gone.
func (c *Client) Close() error {
	_ = c.in.Close()
	killGroup(c.cmd.Process)
	c.work.Wait()
	_ = c.cmd.Wait() // its status says that it was killed
	return nil
}

// listen takes the messages of the server to its end.
func (c *Client) listen(out io.Reader) {
	lines := bufio.NewScanner(out)
	lines.Buffer(make([]byte, 64<<10), MaxMessage)
	var err error
	for err == nil && lines.Scan() {
		err = c.take(lines.Bytes())
	}
	c.mu.Lock()
	c.err = errors.Join(ErrGone, err, lines.Err())
	for _, w := range c.waiting {
		close(w)
	}
	c.waiting = nil
	c.mu.Unlock()
	close(c.ended)
	_, _ = io.Copy(io.Discard, out) // so that it never waits for us
}

func (c *Client) take(line []byte) error {
	var m message
	if err := json.Unmarshal(line, &m); err != nil {
		return fmt.Errorf("read a message of codex app-server: %w", err)
	}
	switch {
	case m.Method == "":
		c.mu.Lock()
		w := c.waiting[string(m.ID)]
		delete(c.waiting, string(m.ID))
		c.mu.Unlock()
		if w != nil {
			w <- reply{m.Result, m.Error}
		}
		return nil
	case len(m.ID) == 0:
		c.o.Told(m.Method, m.Params)
		return nil
	}
	result, err := c.o.Ask(m.Method, m.Params)
	if err != nil {
		return c.write(map[string]any{"id": m.ID, "error": rpcError{-32603, err.Error()}})
	}
	return c.write(map[string]any{"id": m.ID, "result": result})
}

func (c *Client) write(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err = c.in.Write(append(b, '\n'))
	return err
}

// Notify tells the server something.
func (c *Client) Notify(method string) error { return c.write(map[string]any{"method": method}) }

// Call asks the server and waits for its answer, which goes into result unless that is nil.
func (c *Client) Call(ctx context.Context, method string, params, result any) error {
	answer := make(chan reply, 1)
	c.mu.Lock()
	if c.waiting == nil {
		c.mu.Unlock()
		return c.err
	}
	c.next++
	id := c.next
	c.waiting[strconv.Itoa(id)] = answer
	c.mu.Unlock()
	if err := c.write(map[string]any{"id": id, "method": method, "params": params}); err != nil {
		return fmt.Errorf("ask codex app-server for %s: %w", method, errors.Join(ErrGone, err))
	}
	select {
	case r, ok := <-answer:
		switch {
		case !ok:
			return fmt.Errorf("ask codex app-server for %s: %w", method, c.err)
		case r.Error != nil:
			return fmt.Errorf("codex app-server refused %s: %s (%d)", method, r.Error.Message, r.Error.Code)
		case result == nil:
			return nil
		}
		return json.Unmarshal(r.Result, result)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
