package codexhook

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxClients bounds the hooks that are answered at once; a further one is not greeted, and decides in a process of its own.
const maxClients = 64

// Question is what one hook asks.
type Question struct {
	Environ []string // see Environ
	Payload []byte
}

// Serve answers hooks in the folder of a ledger until ctx ends. Only one process may do so at a time: the caller sees to that.
func Serve(ctx context.Context, dir string, decide func(context.Context, Question) Answer) error {
	pass := rand.Text()
	path := filepath.Join(dir, Socket)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("take over %s: %w", path, err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", path)
	if err != nil {
		return fmt.Errorf("listen for hooks: %w", err)
	}
	if err := errors.Join(os.Chmod(path, 0o600), writePass(dir, pass)); err != nil {
		return errors.Join(err, l.Close())
	}
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	var all sync.WaitGroup
	defer all.Wait()
	places := make(chan struct{}, maxClients)
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return errors.Join(fmt.Errorf("listen for hooks: %w", err), l.Close())
		}
		select {
		case places <- struct{}{}:
		default:
			_ = c.Close()
			continue
		}
		all.Go(func() {
			defer func() { <-places }()
			answer(ctx, c, pass, decide)
		})
	}
}

func writePass(dir, pass string) error {
	path := filepath.Join(dir, passFile)
	if err := os.WriteFile(path+".new", []byte(pass+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func answer(ctx context.Context, c net.Conn, pass string, decide func(context.Context, Question) Answer) {
	defer func() { _ = c.Close() }()
	defer context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Now()) })()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	r := bufio.NewReaderSize(c, 64<<10)
	line, err := r.ReadSlice('\n')
	var h hello
	if err != nil || json.Unmarshal(line, &h) != nil || h.Version != version || subtle.ConstantTimeCompare([]byte(h.Pass), []byte(pass)) != 1 {
		return
	}
	if _, err := io.WriteString(c, welcome); err != nil {
		return
	}
	budget := min(max(time.Duration(h.Budget)*time.Millisecond, time.Second), 24*time.Hour)
	_ = c.SetDeadline(time.Now().Add(budget))
	size, err := r.ReadString('\n')
	n, bad := strconv.Atoi(strings.TrimSpace(size))
	if err != nil || bad != nil || n < 0 || n > MaxPayload {
		return
	}
	raw := make([]byte, n)
	if _, err := io.ReadFull(r, raw); err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	a := safely(ctx, Question{h.Environ, raw}, decide)
	if b, err := json.Marshal(a); err == nil {
		_, _ = c.Write(append(b, '\n')) // a client that does not get it denies
	}
}

// safely makes a panic about one hostile payload an objection to it.
func safely(ctx context.Context, q Question, decide func(context.Context, Question) Answer) (a Answer) {
	defer func() {
		if p := recover(); p != nil {
			a = Deny(fmt.Sprintf("proctor failed: %v", p))
		}
	}()
	return decide(ctx, q)
}
