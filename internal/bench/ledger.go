//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"proctor/bus"
	"proctor/event"
	"proctor/ledger"
)

// recordSize is public part and content of a record together, in bytes.
const recordSize = 1024

// peerStores are what tools/ledgerpeers writes with.
var peerStores = []string{"pebble", "sqlite", "immudb", "tessera", "jetstream"}

func recordName(who string, writers int) string { return fmt.Sprintf("%s, %d", who, writers) }

var writerCounts = []int{1, 16, 128}

// ledgerTasks are durable records of a kilobyte by writers that wait for each: raw group commit, the ledger, the bus in front of a second
// ledger, a ledger that signs no checkpoints while it is measured, and the stores of tools/ledgerpeers. And one fdatasync of the same size.
func (s settings) ledgerTasks(ctx context.Context, r *results) ([]task, error) {
	dir, err := os.MkdirTemp(s.dir, "ledger-")
	if err != nil {
		return nil, err
	}
	r.after = append(r.after, func() { _ = os.RemoveAll(dir) })
	ways, err := openWays(dir, r)
	if err != nil {
		return nil, err
	}
	var peers *peerStore
	if s.peers == "" {
		r.note("other stores: left out, -peers names no program")
	} else if peers, err = startPeerStores(ctx, s.peers, filepath.Join(dir, "peers"), r); err != nil {
		return nil, err
	}
	var tasks []task
	for _, n := range writerCounts {
		for _, w := range ways {
			if n == 1 || !w.lone {
				tasks = append(tasks, task{recordName(w.name, n), func(context.Context) (sample, error) { return driveRecords(w.write, n, s.span) }})
			}
		}
		for _, name := range peerStores {
			if peers == nil {
				break
			}
			tasks = append(tasks, task{recordName(name, n), func(context.Context) (sample, error) { return peers.drive(name, n, s.span) }})
		}
	}
	return tasks, nil
}

// way is one way to write a record durably.
type way struct {
	name  string
	lone  bool // measured with one writer only
	write func(writer int) error
}

func openWays(dir string, r *results) ([]way, error) {
	open := func(name string, every uint64) (*ledger.Ledger, error) {
		l, err := ledger.Open(filepath.Join(dir, name), ledger.Options{CheckpointEvery: every, CheckpointInterval: -1})
		if err == nil {
			r.after = append(r.after, func() { _ = l.Close() })
		}
		return l, err
	}
	alone, err1 := open("alone", 0)
	signing, err2 := open("signing", 1)
	behind, err3 := open("behind", 0)
	raw, err4 := openGroupCommit(filepath.Join(dir, "raw"))
	lone, err5 := openGroupCommit(filepath.Join(dir, "lone"))
	through, err6 := bus.Start(bus.Options{})
	if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
		return nil, err
	}
	if _, err := through.Attach(behind); err != nil {
		return nil, err
	}
	r.after = append(r.after, func() { _ = through.Close(context.Background()); raw.close(); lone.close() })
	t, err := newTemplate()
	if err != nil {
		return nil, err
	}
	block := slices.Concat(t.public, t.content)
	streams := make([]*event.Stream, slices.Max(writerCounts))
	for i := range streams {
		if streams[i], err = event.NewStream(fmt.Sprintf("bus-%d", i), 0, "", "", through, time.Now); err != nil {
			return nil, err
		}
	}
	return []way{
		{"fdatasync", true, func(int) error { return lone.alone(block) }},
		{"raw group commit", false, func(i int) error { enc := t.record(i); return raw.commit(enc.Public, enc.Content) }},
		{"ledger", false, func(i int) error { return t.submit(alone, i) }},
		{"ledger, a checkpoint for each group", false, func(i int) error { return t.submit(signing, i) }},
		{"bus", false, func(i int) error {
			_, err := streams[i].Record(context.Background(), event.Draft{Actor: event.Executor, Payload: t.payload()})
			return err
		}},
	}, nil
}

// template is an encoded event of [recordSize] bytes, of which every record gets a copy with an id of its own.
type template struct {
	public, content []byte
	id              event.ID
	text            string
}

func newTemplate() (*template, error) {
	t := &template{}
	for n, try := recordSize/2, 0; len(t.public)+len(t.content) != recordSize; n, try = n+recordSize-len(t.public)-len(t.content), try+1 {
		if n < 1 || try > 4 {
			return nil, fmt.Errorf("no event has %d bytes", recordSize)
		}
		t.text = strings.Repeat("x", n)
		t.id = event.NewID()
		enc, err := event.Encode(&event.Event{
			ID: t.id, Kind: event.ExecOutput, Schema: 1, Session: "0000", Time: time.Now(), Actor: event.Executor, Payload: t.payload(),
		})
		if err != nil {
			return nil, err
		}
		t.public, t.content = enc.Public, enc.Content
	}
	return t, nil
}

func (t *template) payload() event.Payload {
	return &event.ExecOutputPayload{Stream: "stdout", Chunk: event.Secret(t.text)}
}

// record makes a copy for the writer's session.
func (t *template) record(writer int) event.Encoded {
	public := slices.Clone(t.public)
	copy(public[strings.Index(string(public), string(t.id)):], event.NewID())
	at := strings.Index(string(public), `"session":"`) + len(`"session":"`)
	copy(public[at:at+4], fmt.Sprintf("%04d", writer))
	return event.Encoded{Public: public, Content: t.content}
}

// submit records and waits for the receipt.
func (t *template) submit(l *ledger.Ledger, writer int) error {
	answer := make(chan error, 1)
	l.Submit([]event.Encoded{t.record(writer)}, func(_ []event.Receipt, err error) { answer <- err })
	return <-answer
}

// peerStore is tools/ledgerpeers while it runs.
type peerStore struct {
	in  io.Writer
	out *bufio.Scanner
}

func startPeerStores(ctx context.Context, binary, dir string, r *results) (*peerStore, error) {
	cmd := exec.CommandContext(ctx, binary, dir)
	cmd.Stderr = os.Stderr
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r.after = append(r.after, func() { _ = in.Close(); _ = cmd.Wait() })
	p := &peerStore{in, bufio.NewScanner(out)}
	if !p.out.Scan() || p.out.Text() != "ready" {
		return nil, fmt.Errorf("start %s: it said %q", binary, p.out.Text())
	}
	return p, nil
}

func (p *peerStore) drive(name string, writers int, span time.Duration) (sample, error) {
	if _, err := fmt.Fprintln(p.in, name, writers, span, recordSize); err != nil {
		return sample{}, err
	}
	if !p.out.Scan() {
		return sample{}, fmt.Errorf("%s: the program of the peers ended", name)
	}
	var n, took, p50, cpu int64
	if _, err := fmt.Sscan(p.out.Text(), &n, &took, &p50, &cpu); err != nil || n == 0 {
		return sample{}, fmt.Errorf("%s: %s", name, p.out.Text())
	}
	return sample{wall: time.Duration(took / n), first: time.Duration(p50), cpu: time.Duration(cpu / n)}, nil
}

// ledgerGoals are ratios with their goals, of which [results.printLedger] prints those that were measured.
var ledgerGoals = []struct {
	label, goal, a, b string
	f                 func(sample) time.Duration
}{
	{"ledger : raw group commit, 1 writer", ">= 0.97", recordName("raw group commit", 1), recordName("ledger", 1), wall},
	{"ledger : raw group commit, 16 writers", ">= 1.0", recordName("raw group commit", 16), recordName("ledger", 16), wall},
	{"ledger : raw group commit, 128 writers", ">= 0.85", recordName("raw group commit", 128), recordName("ledger", 128), wall},
	{"ledger : Pebble, 128 writers", "-", recordName("pebble", 128), recordName("ledger", 128), wall},
	{"ledger : SQLite, 128 writers", "-", recordName("sqlite", 128), recordName("ledger", 128), wall},
	{"ledger : immudb, 128 writers", ">= 10", recordName("immudb", 128), recordName("ledger", 128), wall},
	{"ledger : tessera, 128 writers", ">= 15", recordName("tessera", 128), recordName("ledger", 128), wall},
	{"ledger : JetStream, 128 writers", ">= 25", recordName("jetstream", 128), recordName("ledger", 128), wall},
	{"p50 through the bus : p50 of one fdatasync, 1 writer", "<= 1.15", recordName("bus", 1), recordName("fdatasync", 1), first},
	{"bus : raw group commit, 128 writers", ">= 0.6", recordName("raw group commit", 128), recordName("bus", 128), wall},
	{"CPU of an event, ledger : Pebble, 128 writers", "<= 1.5", recordName("ledger", 128), recordName("pebble", 128), cpu},
	{"CPU of an event, bus : Pebble, 128 writers", "<= 2.5", recordName("bus", 128), recordName("pebble", 128), cpu},
	{"CPU with a checkpoint for each group : without, 128 writers", "<= 1.03", recordName("ledger, a checkpoint for each group", 128), recordName("ledger", 128), cpu},
}

func (r *results) printLedger(w io.Writer, s settings) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%d interleaved rounds of %s, records of %d bytes; medians\n\n\trecords/s\tp50, us\tCPU of one, us\n", s.rounds, s.span, recordSize)
	for _, name := range r.names {
		fmt.Fprintf(t, "%s\t%.0f\t%.0f\t%.1f\n", name, 1/median(r.column(name, wall)).Seconds(),
			us(median(r.column(name, first))), us(median(r.column(name, cpu))))
	}
	fmt.Fprintln(t, "\nratio, median of the rounds (range)\tmeasured\tgoal")
	for _, g := range ledgerGoals {
		seen := "not measured"
		if ratios := r.ratios(g.a, g.b, g.f); len(ratios) > 0 {
			seen = fmt.Sprintf("%.2f (%.2f to %.2f)", median(ratios), slices.Min(ratios), slices.Max(ratios))
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", g.label, seen, g.goal)
	}
	t.Flush()
	for _, n := range r.notes {
		fmt.Fprintln(w, n)
	}
}

func us(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
