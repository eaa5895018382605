package codexhook

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Socket and pass in the folder of a ledger.
const (
	Socket   = "hooks.sock"
	passFile = "hooks.pass"
)

// version of what is spoken over the socket.
const version = 1

// hello is the first line of a client.
type hello struct {
	Version int      `json:"version"`
	Pass    string   `json:"pass"`
	Environ []string `json:"environ"`
	Budget  int64    `json:"budget_ms"`
}

const (
	welcome     = "ok\n"
	dialPatient = 500 * time.Millisecond // of one that is not greeted by then, this program is started whole, which costs as much again
)

// Environ are the variables of the asking process that say which configuration counts.
func Environ(environ []string) []string {
	var out []string
	for _, v := range environ {
		name, _, _ := strings.Cut(v, "=")
		switch name {
		case "HOME", "CODEX_HOME", "PROCTOR_HOME", "XDG_STATE_HOME", "TMPDIR", "USERPROFILE":
			out = append(out, v)
		}
	}
	return out
}

// Conn is a process that decides.
type Conn struct {
	c net.Conn
	r *bufio.Reader
}

// Dial finds the process that answers hooks for a ledger. An error means that there is none, and that nothing was asked.
func Dial(dir string, environ []string, budget time.Duration) (*Conn, error) {
	pass, err := os.ReadFile(filepath.Join(dir, passFile))
	if err != nil {
		return nil, err
	}
	c, err := net.DialTimeout("unix", filepath.Join(dir, Socket), dialPatient)
	if err != nil {
		return nil, err
	}
	line, err := json.Marshal(hello{version, strings.TrimSpace(string(pass)), Environ(environ), budget.Milliseconds()}) //nolint:gosec // to the owner, which is to know it
	if err == nil {
		err = c.SetDeadline(time.Now().Add(dialPatient))
	}
	if err == nil {
		_, err = c.Write(append(line, '\n'))
	}
	r := bufio.NewReader(c)
	if err == nil {
		var word string
		if word, err = r.ReadString('\n'); err == nil && word != welcome {
			err = errors.New("the process that answers hooks is of another version")
		}
	}
	if err == nil {
		err = c.SetDeadline(time.Time{})
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &Conn{c, r}, nil
}

// Ask hands a payload over and waits for the answer.
func (c *Conn) Ask(ctx context.Context, raw []byte) (Answer, error) {
	if at, ok := ctx.Deadline(); ok {
		if err := c.c.SetDeadline(at); err != nil {
			return Answer{}, err
		}
	}
	defer context.AfterFunc(ctx, func() { _ = c.c.SetDeadline(time.Now()) })()
	if _, err := fmt.Fprintf(c.c, "%d\n", len(raw)); err != nil {
		return Answer{}, err
	}
	if _, err := c.c.Write(raw); err != nil {
		return Answer{}, err
	}
	line, err := io.ReadAll(io.LimitReader(c.r, 64<<10))
	if err != nil {
		return Answer{}, err
	}
	if !strings.HasSuffix(string(line), "\n") {
		return Answer{}, errors.New("the process that answers hooks went away")
	}
	var a Answer
	if err := json.Unmarshal(line, &a); err != nil {
		return Answer{}, fmt.Errorf("read the answer: %w", err)
	}
	return a, nil
}

// Close ends the connection.
func (c *Conn) Close() error { return c.c.Close() }
