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
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"proctor/bus"
	"proctor/bus/bustest"
	"proctor/event"
	"proctor/ledger"
)

const (
	nodeDir = "PROCTOR_BUS_TEST_NODE" // the ledger of a process that is a ledger node
	nodeURL = "PROCTOR_BUS_TEST_URL"

	clusterWriters = 20
)

// nodeUntilKilled is a ledger node.
func nodeUntilKilled(dir string) error {
	l, err := ledger.Open(dir, ledger.Options{CheckpointEvery: 64})
	if err != nil {
		return err
	}
	fmt.Println(ready)
	return bus.ServeNode(context.Background(), bus.ClusterOptions{URL: os.Getenv(nodeURL), Patience: 2 * time.Minute, Partitions: 2},
		bus.NodeOptions{
			Name: filepath.Base(dir), Identity: l.PublicKey(), Lease: 2 * time.Second,
			Say: func(text string) { fmt.Println(text) },
		}, l)
}

// nodeProcess is one of two ledger nodes, with a ledger of its own.
type nodeProcess struct {
	t    *testing.T
	dir  string
	url  string
	cmd  *exec.Cmd
	read chan struct{}
}

func (n *nodeProcess) start() {
	n.t.Helper()
	n.cmd, n.read = exec.Command(os.Args[0], "-test.run=^$"), make(chan struct{})
	n.cmd.Env = append(os.Environ(), nodeDir+"="+n.dir, nodeURL+"="+n.url, "GOMAXPROCS=2")
	n.cmd.Stderr = os.Stderr
	out, err := n.cmd.StdoutPipe()
	if err == nil {
		err = n.cmd.Start()
	}
	if err != nil {
		n.t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != ready {
		n.t.Fatalf("ledger node %s did not start: %q", n.dir, lines.Text())
	}
	go func() {
		defer close(n.read)
		for lines.Scan() {
			n.t.Logf("node %s: %s", filepath.Base(n.dir), lines.Text())
		}
	}()
}

func (n *nodeProcess) kill() {
	if n.cmd != nil {
		_ = n.cmd.Process.Signal(syscall.SIGKILL)
		<-n.read
		_ = n.cmd.Wait()
		n.cmd = nil
	}
}

// writers record in sessions of their own until they are told to end, and remember their receipts.
type writers struct {
	mu   sync.Mutex
	acks map[event.ID]uint64 // number in the session
	last map[string]uint64   // of each session
	work sync.WaitGroup
	stop context.CancelFunc
}

func startWriters(t *testing.T, b []*bus.Bus) *writers {
	ctx, cancel := context.WithCancel(t.Context())
	w := &writers{acks: map[event.ID]uint64{}, last: map[string]uint64{}, stop: cancel}
	for i := range clusterWriters {
		s, err := event.NewStream(string(event.NewID()), 0, "", "", b[i%len(b)], time.Now)
		if err != nil {
			t.Fatal(err)
		}
		w.work.Go(func() {
			for ctx.Err() == nil {
				if err := w.write(s); err != nil {
					t.Errorf("session %s: %v", s.Session(), err)
					return
				}
			}
		})
	}
	return w
}

func (w *writers) write(s *event.Stream) error {
	drafts := make([]event.Draft, 1+rand.N(3))
	for i := range drafts {
		drafts[i] = draft("text")
	}
	if err := s.Publish(context.Background(), draft("published")); err != nil {
		return err
	}
	receipts, err := s.Record(context.Background(), drafts...)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range receipts {
		w.acks[r.ID], w.last[s.Session()] = r.SessionSeq, r.SessionSeq
	}
	return nil
}

func (w *writers) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.acks)
}

// TestServersAndNodesAreKilled kills servers of a cluster, its leaders above all, and ledger nodes, while 20 writers record: what was
// acknowledged reaches the ledgers, once, in its order. Two nodes take partitions over from each other, so each ledger may hold a part
// of the record; what both hold is the same, and the two together hold all.
func TestServersAndNodesAreKilled(t *testing.T) {
	cuts := 6
	if os.Getenv(soak) != "" {
		cuts = 200
		if n, err := strconv.Atoi(os.Getenv(soak)); err == nil {
			cuts = max(n, cuts)
		}
	}
	s := bustest.Start(t, 3)
	nodes := []*nodeProcess{{t: t, dir: filepath.Join(t.TempDir(), "a"), url: s.URL("node")}, {t: t, dir: filepath.Join(t.TempDir(), "b"), url: s.URL("node")}}
	for _, n := range nodes {
		n.start()
		defer n.kill()
	}
	buses := []*bus.Bus{dialCluster(t, s), dialCluster(t, s), dialCluster(t, s)}
	w := startWriters(t, buses)
	servers, leaders, ledgers := 0, 0, 0
	for servers+ledgers < cuts {
		begun := time.Now()
		waitForMore(t, w, rand.N(100))
		victim := rand.N(s.Len())
		if rand.N(3) > 0 {
			victim = s.Leader("proctor-" + strconv.Itoa(rand.N(2)))
			leaders++
		}
		s.Kill(victim)
		servers++
		for range 1 + rand.N(3) { // while the servers elect another leader, and after
			node := nodes[rand.N(len(nodes))]
			time.Sleep(rand.N(200 * time.Millisecond))
			node.kill()
			ledgers++
			if rand.N(8) == 0 { // long enough for the other node to take over
				time.Sleep(3 * time.Second)
			}
			node.start()
		}
		waitForMore(t, w, 50+rand.N(50)) // two servers go on
		s.Restart(victim)
		s.AwaitReplicas("proctor-0", "proctor-1") // else the next kill could take the majority
		t.Logf("%d servers, %d ledger nodes killed: %s", servers, ledgers, time.Since(begun).Round(time.Millisecond))
	}
	w.stop()
	w.work.Wait()
	begun := time.Now()
	checkLedgers(t, w, nodes)
	t.Logf("%d kills of servers, %d of them leaders, and %d of ledger nodes; %d events acknowledged, taken in and compared %s after the last",
		servers, leaders, ledgers, len(w.acks), time.Since(begun).Round(time.Second))
}

func waitForMore(t *testing.T, w *writers, n int) {
	t.Helper()
	from := w.count()
	for end := time.Now().Add(2 * time.Minute); w.count() < from+n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) || t.Failed() {
			t.Fatalf("%d receipts of %d", w.count()-from, n)
		}
	}
}

// checkLedgers waits until all is in a ledger, as long as more of it arrives, and compares.
func checkLedgers(t *testing.T, w *writers, nodes []*nodeProcess) {
	t.Helper()
	var all []*reading
	for _, n := range nodes {
		all = append(all, &reading{dir: n.dir, events: map[event.ID]uint64{}, last: map[string]uint64{}})
	}
	fewest := len(w.acks) + 1
	for end := time.Now(); ; time.Sleep(time.Second) {
		missing := len(w.acks)
		for _, r := range all {
			r.more(t)
		}
		for id := range w.acks {
			if slices.ContainsFunc(all, func(r *reading) bool { _, ok := r.events[id]; return ok }) {
				missing--
			}
		}
		if missing == 0 {
			break
		}
		if missing < fewest {
			fewest, end = missing, time.Now().Add(3*time.Minute)
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d acknowledged events are in no ledger, and none came in three minutes", missing, len(w.acks))
		}
	}
	for id, number := range w.acks {
		for _, r := range all {
			if got, ok := r.events[id]; ok && got != number {
				t.Fatalf("event %s was acknowledged as number %d of its session and is number %d", id, number, got)
			}
		}
	}
	for _, n := range nodes {
		verifyLedger(t, n.dir)
	}
}

// reading is every event of a ledger with its number, as far as it was read; each once, each session without gaps.
type reading struct {
	dir    string
	next   event.Seq
	events map[event.ID]uint64
	last   map[string]uint64
}

func (r *reading) more(t *testing.T) {
	t.Helper()
	l, err := ledger.OpenReadOnly(r.dir, ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	for {
		entries, err := l.Read(t.Context(), r.next, 512)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Kind == event.MessageRefused {
				t.Fatalf("a message was refused: %s", e.Raw)
			}
			if _, ok := r.events[e.ID]; ok || e.SessionSeq != r.last[e.Session]+1 || e.Event.Seq != e.SessionSeq {
				t.Fatalf("event %s, number %d of session %s, after %d", e.ID, e.SessionSeq, e.Session, r.last[e.Session])
			}
			r.events[e.ID], r.last[e.Session], r.next = e.SessionSeq, e.SessionSeq, e.Seq+1
		}
		if len(entries) < 512 {
			return
		}
	}
}

func verifyLedger(t *testing.T, dir string) {
	t.Helper()
	l, err := ledger.OpenReadOnly(dir, ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	report, err := l.Verify(t.Context(), ledger.VerifyOptions{})
	text, _ := json.Marshal(report)
	if err != nil || !report.OK {
		t.Fatal(errors.Join(err, fmt.Errorf("verify %s: %s", dir, text)))
	}
}
