package bus_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"proctor/bus"
	"proctor/event"
	"proctor/ledger"
)

const (
	writerDir = "PROCTOR_BUS_TEST_WRITER"
	// soak is the number of cuts, instead of the few of an everyday run.
	soak = "PROCTOR_SOAK"

	writersPerProcess = 3
	ready             = "ready" // the first line of a writer: it can be told to end
)

// acknowledged is what a writer prints of each receipt.
type acknowledged struct {
	Session string
	Receipt event.Receipt
}

// writeUntilKilled records in some sessions of its own, and prints what it has receipts for. SIGTERM ends it in order.
func writeUntilKilled(dir string) error {
	terminated, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	fmt.Println(ready)
	var own *ledger.Ledger
	b, err := bus.Join(terminated, bus.JoinOptions{Dir: dir, Patience: time.Minute, Own: func(context.Context) (bus.Ledger, error) {
		l, err := ledger.Open(dir, ledger.Options{CheckpointEvery: 64})
		if errors.Is(err, ledger.ErrInUse) {
			return nil, fmt.Errorf("%w: %w", bus.ErrOwned, err)
		}
		own = l // read after the bus is closed
		return l, err
	}})
	if err != nil {
		if terminated.Err() != nil {
			return nil
		}
		return err
	}
	var writing sync.WaitGroup
	var out sync.Mutex
	failures := make(chan error, writersPerProcess)
	for range writersPerProcess {
		writing.Go(func() {
			if err := writeSession(terminated, b, &out); err != nil && terminated.Err() == nil {
				failures <- err
				stop()
			}
		})
	}
	<-terminated.Done()
	if err := b.Close(context.Background()); err != nil {
		return err
	}
	writing.Wait()
	select {
	case err := <-failures:
		return err
	default:
	}
	if own != nil {
		return own.Close()
	}
	return nil
}

func writeSession(ctx context.Context, b *bus.Bus, out *sync.Mutex) error {
	s, err := event.NewStream(string(event.NewID()), 0, "", "", b, time.Now)
	if err != nil {
		return err
	}
	for {
		drafts := make([]event.Draft, 1+rand.N(3))
		for i := range drafts {
			drafts[i] = draft("text")
		}
		if err := s.Publish(ctx, draft("published")); err != nil {
			return err
		}
		receipts, err := s.Record(ctx, drafts...)
		if err != nil {
			return err
		}
		out.Lock()
		for _, r := range receipts {
			line, _ := json.Marshal(acknowledged{s.Session(), r})
			_, _ = os.Stdout.Write(append(line, '\n'))
		}
		out.Unlock()
		time.Sleep(rand.N(3 * time.Millisecond)) // else most of the time goes into checking
	}
}

// TestOwnersAreKilled ends the owner again and again, most often by SIGKILL, while several processes write: what
// was acknowledged is there, once, in its place, and each session is dense.
func TestOwnersAreKilled(t *testing.T) {
	cuts := 20
	if n, err := strconv.Atoi(os.Getenv(soak)); err == nil {
		cuts = max(n, 200)
	}
	g := &group{t: t, dir: t.TempDir(), byPID: map[int]*writer{}}
	defer g.killAll()
	for range 3 {
		g.start()
	}
	check := newChecker(g.dir)
	for cut := range cuts {
		g.waitForMore(60 + rand.N(120)) // so that somebody is in the middle of something
		g.cut(rand.N(4) == 0)
		g.start()
		check.all(t, g.acknowledged(), cut%20 == 0)
	}
	g.endAll()
	check.all(t, g.acknowledged(), true)
	t.Logf("%d cuts, %d events, %d of them acknowledged to a process that could say so", cuts, len(check.entries), len(g.acknowledged()))
}

// group is the processes that write.
type group struct {
	t     *testing.T
	dir   string
	byPID map[int]*writer

	mu   sync.Mutex
	acks []acknowledged
}

type writer struct {
	cmd    *exec.Cmd
	stderr strings.Builder
	read   chan struct{} // closed when its output is at its end
}

func (g *group) start() {
	g.t.Helper()
	w := &writer{cmd: exec.Command(os.Args[0], "-test.run=^$"), read: make(chan struct{})}
	w.cmd.Env = append(os.Environ(), writerDir+"="+g.dir)
	w.cmd.Stderr = &w.stderr
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		g.t.Fatal(err)
	}
	if err := w.cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	g.byPID[w.cmd.Process.Pid] = w
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != ready {
		g.t.Fatalf("a writer did not start: %q %s", lines.Text(), w.stderr.String())
	}
	go func() {
		defer close(w.read)
		g.listen(lines)
	}()
}

func (g *group) listen(lines *bufio.Scanner) {
	for lines.Scan() {
		var a acknowledged
		if json.Unmarshal(lines.Bytes(), &a) != nil {
			continue // cut off by the kill
		}
		g.mu.Lock()
		g.acks = append(g.acks, a)
		g.mu.Unlock()
	}
}

func (g *group) acknowledged() []acknowledged {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.acks[:len(g.acks):len(g.acks)]
}

// waitForMore waits for n more receipts.
func (g *group) waitForMore(n int) {
	g.t.Helper()
	from := len(g.acknowledged())
	for deadline := time.Now().Add(time.Minute); len(g.acknowledged()) < from+n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			g.killAll()
			g.t.Fatalf("no %d receipts in a minute", n)
		}
	}
}

// cut ends the owner of this moment.
func (g *group) cut(inOrder bool) {
	g.t.Helper()
	var w *writer
	for deadline := time.Now().Add(time.Minute); w == nil; time.Sleep(time.Millisecond) {
		text, _ := os.ReadFile(filepath.Join(g.dir, "owner"))
		pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		if w = g.byPID[pid]; time.Now().After(deadline) {
			g.t.Fatalf("no process of ours is the owner: %q", text)
		}
	}
	delete(g.byPID, w.cmd.Process.Pid)
	sig := syscall.SIGKILL
	if inOrder {
		sig = syscall.SIGTERM
	}
	g.end(w, sig)
}

func (g *group) end(w *writer, sig syscall.Signal) {
	g.t.Helper()
	if err := w.cmd.Process.Signal(sig); err != nil {
		g.t.Errorf("signal: %v; %s", err, w.stderr.String())
	}
	<-w.read
	if err := w.cmd.Wait(); err != nil && sig != syscall.SIGKILL {
		g.t.Errorf("a writer failed: %v: %s", err, w.stderr.String())
	}
}

func (g *group) endAll() {
	for pid, w := range g.byPID {
		delete(g.byPID, pid)
		g.end(w, syscall.SIGTERM)
	}
}

func (g *group) killAll() {
	for pid, w := range g.byPID {
		delete(g.byPID, pid)
		g.end(w, syscall.SIGKILL)
	}
}

// checker compares the ledger with the receipts.
type checker struct {
	dir     string
	entries map[event.ID]acknowledged
	last    map[string]uint64 // number of the newest event of each session
	next    event.Seq
	checked int // receipts
}

func newChecker(dir string) *checker {
	return &checker{dir: dir, entries: map[event.ID]acknowledged{}, last: map[string]uint64{}}
}

func (c *checker) all(t *testing.T, acks []acknowledged, verify bool) {
	t.Helper()
	l, err := ledger.OpenReadOnly(c.dir, ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	for {
		entries, err := l.Read(t.Context(), c.next, 512)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			c.add(t, e)
		}
		if len(entries) < 512 {
			break
		}
	}
	for _, a := range acks[c.checked:] {
		if got, ok := c.entries[a.Receipt.ID]; !ok || got != a {
			t.Fatalf("acknowledged %+v, the ledger has %+v", a, got)
		}
	}
	c.checked = len(acks)
	if !verify {
		return
	}
	report, err := l.Verify(t.Context(), ledger.VerifyOptions{})
	if err != nil || !report.OK {
		t.Fatalf("verify: %v, %+v", err, report)
	}
}

func (c *checker) add(t *testing.T, e event.Entry) {
	t.Helper()
	if e.Seq != c.next {
		t.Fatalf("entry %d after %d", e.Seq, c.next)
	}
	if _, ok := c.entries[e.ID]; ok {
		t.Fatalf("event %s is in the ledger twice", e.ID)
	}
	if e.SessionSeq != c.last[e.Session]+1 || e.Event == nil || e.Event.Seq != e.SessionSeq {
		t.Fatalf("event %d of session %s after %d", e.SessionSeq, e.Session, c.last[e.Session])
	}
	c.next, c.last[e.Session], c.entries[e.ID] = e.Seq+1, e.SessionSeq, acknowledged{e.Session, e.Receipt}
}
