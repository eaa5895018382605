package ledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"proctor/event"
)

func TestAppendReadReopen(t *testing.T) {
	fs := vfs.NewMem()
	l := openTest(t, "ledger", memory(fs))
	events := prompts("a", 1, 300)
	var receipts []event.Receipt
	for i := 0; i < len(events); i += 7 {
		receipts = append(receipts, appendTest(t, l, events[i:min(i+7, len(events))]...)...)
	}
	tree := l.Tree()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(context.Background(), prompt("a", 301, "x")); !errors.Is(err, ErrClosed) {
		t.Fatalf("append after close: %v", err)
	}
	l = openTest(t, "ledger", memory(fs))
	if got := l.Tree(); got != tree || got.Size != 300 {
		t.Fatalf("tree after reopening %v, before %v", got, tree)
	}
	entries, err := l.Read(context.Background(), 0, 1000)
	if err != nil || len(entries) != 300 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	for i, e := range entries {
		if diff := cmp.Diff(receipts[i], e.Receipt); diff != "" {
			t.Fatalf("receipt of entry %d (-given +read):\n%s", i, diff)
		}
		text, ok := e.Event.Payload.(*event.UserPromptPayload).Prompt.Reveal()
		want, _ := events[i].Payload.(*event.UserPromptPayload).Prompt.Reveal()
		if !ok || text != want {
			t.Fatalf("entry %d has text %q, want %q", i, text, want)
		}
	}
	again := appendTest(t, l, events[17])
	if diff := cmp.Diff(receipts[17], again[0]); diff != "" {
		t.Fatalf("receipt of a repeated event (-first +second):\n%s", diff)
	}
	if r := appendTest(t, l, prompt("a", 0, "next")); r[0].SessionSeq != 301 || r[0].Seq != 300 {
		t.Fatalf("number after reopening: %+v", r[0])
	}
}

func TestRefusedSubmissionsLeaveNoTrace(t *testing.T) {
	l := openMem(t)
	a := prompts("a", 1, 3)
	appendTest(t, l, a...)
	twin := *prompt("a", 4, "other text")
	twin.ID = a[1].ID
	unknown := encode(t, prompt("a", 4, "x"))
	unknown.Public = []byte(strings.Replace(string(unknown.Public), "codex.user_prompt", "codex.user_promptx", 1))
	torn := encode(t, prompt("a", 4, "x"))
	torn.Public = torn.Public[:len(torn.Public)-1]
	trailing := encode(t, prompt("a", 4, "x"))
	trailing.Public = append(trailing.Public, ' ', '}')
	tests := []struct {
		name  string
		batch []event.Encoded
		want  error
	}{
		{"gap", []event.Encoded{encode(t, prompt("a", 4, "x")), encode(t, prompt("a", 6, "x"))}, ErrGap},
		{"number again", []event.Encoded{encode(t, prompt("a", 3, "x"))}, ErrGap},
		{"new session not from one", []event.Encoded{encode(t, prompt("b", 1, "x")), encode(t, prompt("c", 2, "x"))}, ErrGap},
		{"id taken", []event.Encoded{encode(t, prompt("a", 4, "x")), encode(t, &twin)}, ErrConflict},
		{"unknown kind", []event.Encoded{encode(t, prompt("a", 4, "x")), unknown}, event.ErrUnknownKind},
		{"torn", []event.Encoded{encode(t, prompt("a", 4, "x")), torn}, nil},
		{"trailing bytes", []event.Encoded{trailing}, nil},
		{"empty", []event.Encoded{{}}, nil},
		{"too many", make([]event.Encoded, MaxBatchEvents+1), event.ErrTooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := l.Tree()
			receipts, err := submit(l, tt.batch...)
			if err == nil || receipts != nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Fatalf("%d receipts, error %v, want %v", len(receipts), err, tt.want)
			}
			if got := l.Tree(); got != before {
				t.Fatalf("tree moved from %v to %v", before, got)
			}
		})
	}
	if r := appendTest(t, l, prompt("a", 4, "x"), prompt("c", 1, "y")); r[0].Seq != 3 || r[1].SessionSeq != 1 {
		t.Fatalf("receipts after refusals: %+v", r)
	}
	mustBeGreen(t, l)
}

// TestSameEventOnce sends one event many times in one submission, in one group and later.
func TestSameEventOnce(t *testing.T) {
	l := openMem(t)
	e := encode(t, prompt("a", 1, "once"))
	next := encode(t, prompt("a", 2, "twice"))
	first, err := submit(l, e, e, next, e)
	if err != nil {
		t.Fatal(err)
	}
	if first[0] != first[1] || first[0] != first[3] || first[2].SessionSeq != 2 {
		t.Fatalf("receipts %+v", first)
	}
	answers := make(chan []event.Receipt, 100)
	for range cap(answers) {
		l.Submit([]event.Encoded{next, e}, func(r []event.Receipt, err error) {
			if err != nil {
				t.Error(err)
			}
			answers <- r
		})
	}
	for range cap(answers) {
		if r := <-answers; r[0] != first[2] || r[1] != first[0] {
			t.Fatalf("receipts %+v, want %+v", r, first)
		}
	}
	if n := l.Tree().Size; n != 2 {
		t.Fatalf("%d entries, want 2", n)
	}
	mustBeGreen(t, l)
}

// TestConcurrentWriters: order of calls per writer is order in the session, order of answers is order of entries.
func TestConcurrentWriters(t *testing.T) {
	l := openMem(t)
	const writers, each = 128, 20
	var wg sync.WaitGroup
	var mu sync.Mutex
	var answered []event.Seq
	for w := range writers {
		wg.Go(func() {
			session := fmt.Sprintf("writer-%d", w)
			var done sync.WaitGroup
			for i := range each / 2 {
				done.Add(1)
				l.Submit([]event.Encoded{encode(t, output(session, uint64(2*i+1))), encode(t, output(session, 0))}, func(r []event.Receipt, err error) {
					defer done.Done()
					if err != nil || r[0].Seq+1 != r[1].Seq || r[1].SessionSeq != uint64(2*i+2) {
						t.Errorf("writer %d, submission %d: %+v %v", w, i, r, err)
						return
					}
					mu.Lock()
					defer mu.Unlock()
					answered = append(answered, r[0].Seq)
				})
			}
			done.Wait()
		})
	}
	wg.Wait()
	if !slices.IsSorted(answered) {
		t.Error("answers came out of order")
	}
	if n := l.Tree().Size; n != writers*each {
		t.Fatalf("%d entries, want %d", n, writers*each)
	}
	mustBeGreen(t, l)
	entries, err := l.Session(context.Background(), "writer-77", 5, 10)
	if err != nil || len(entries) != 10 || entries[0].SessionSeq != 5 || entries[9].Session != "writer-77" {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
}

func TestFollowSeesEverythingOnceInOrder(t *testing.T) {
	l := openMem(t)
	appendTest(t, l, prompts("a", 1, 300)...)
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for from := range event.Seq(4) {
		wg.Go(func() {
			next := from * 100
			err := l.Follow(ctx, next, func(e event.Entry) error {
				if e.Seq != next {
					return fmt.Errorf("entry %d, want %d", e.Seq, next)
				}
				if next++; next == 600 {
					return io.EOF
				}
				return nil
			})
			if !errors.Is(err, io.EOF) {
				t.Error(err)
			}
		})
	}
	for i := range 300 {
		appendTest(t, l, prompt("a", uint64(301+i), "more"))
	}
	wg.Wait()

	wg.Go(func() {
		if err := l.Follow(ctx, 600, func(event.Entry) error { return nil }); err != nil {
			t.Errorf("follow after cancel: %v", err)
		}
	})
	cancel()
	wg.Wait()
	wg.Go(func() {
		if err := l.Follow(context.Background(), 600, func(event.Entry) error { return nil }); !errors.Is(err, ErrClosed) {
			t.Errorf("follow after close: %v", err)
		}
	})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
}

func TestClockMayGoBack(t *testing.T) {
	var back atomic.Int64
	opts := memory(vfs.NewMem())
	opts.Now = func() time.Time { return clock().Add(-time.Duration(back.Add(1)) * time.Hour) }
	l := openTest(t, "ledger", opts)
	for i := range 20 {
		r := appendTest(t, l, prompt("a", uint64(i+1), "x"))
		if r[0].Seq != event.Seq(i) {
			t.Fatalf("receipt %+v", r)
		}
	}
	if r := mustBeGreen(t, l); r.Counts[SeverityNote] == 0 {
		t.Fatalf("nobody noticed: %+v", r)
	}
}

func TestOneOwner(t *testing.T) {
	dir := t.TempDir()
	l := openTest(t, dir, Options{})
	_, err := Open(dir, Options{})
	var inUse *InUseError
	if !errors.Is(err, ErrInUse) || !errors.As(err, &inUse) || inUse.PID != os.Getpid() {
		t.Fatalf("second open: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openTest(t, dir, Options{})
	if err := errors.Join(l.Close(), l.Close()); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{"keys": 0o700, "keys/signing": 0o600, "keys/master": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v %v, want %v", name, info.Mode(), err, mode)
		}
	}
}

func TestOtherFormatsAreRefusedByName(t *testing.T) {
	for _, text := range []string{"proctor ledger 4\n", "proctor ledger 0\n", "something else\n", ""} {
		fs := vfs.NewMem()
		_ = openTest(t, "ledger", memory(fs)).Close()
		if err := writeFile(fs, "ledger/format", text, true); err != nil {
			t.Fatal(err)
		}
		_, err := Open("ledger", memory(fs))
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), `"proctor ledger 3"`) || !strings.Contains(err.Error(), strings.TrimSpace(text)) {
			t.Errorf("format %q: %v", text, err)
		}
	}
}

func TestSessions(t *testing.T) {
	l := openMem(t)
	if _, err := l.LastSession(context.Background()); !errors.Is(err, ErrUnknownSession) {
		t.Fatalf("last session of nothing: %v", err)
	}
	appendTest(t, l, supervised("z")...)
	appendTest(t, l, supervised("b")...)
	appendTest(t, l, newEvent("system", 0, "", &event.ExportGapPayload{Destination: "siem", Reason: "unreachable"}))
	appendTest(t, l, prompt("z", 6, "again"))
	appendTest(t, l, newEvent("system", 0, "", &event.ExportGapPayload{Destination: "siem", Reason: "recovered"}))
	got, err := l.Sessions(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	want := []SessionInfo{
		{ID: "z", First: 0, Last: 11, Events: 6, Started: clock(), Ended: clock(), Model: "gpt-test", Cwd: "/src/z", Originator: "proctor_exec"},
		{ID: "b", First: 5, Last: 9, Events: 5, Started: clock(), Ended: clock(), Closed: true, Model: "gpt-test", Cwd: "/src/b", Originator: "proctor_exec"},
		{ID: "system", First: 10, Last: 12, Events: 2, Started: clock(), Ended: clock()},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("sessions (-want +got):\n%s", diff)
	}
	last, err := l.LastSession(context.Background())
	if err != nil || last.ID != "z" {
		t.Fatalf("last session %+v, %v", last, err)
	}
	if _, err := l.SessionInfo(context.Background(), "nobody"); !errors.Is(err, ErrUnknownSession) {
		t.Fatalf("session nobody: %v", err)
	}
}

func TestCursor(t *testing.T) {
	fs := vfs.NewMem()
	l := openTest(t, "ledger", memory(fs))
	if seq, err := l.Cursor("siem"); err != nil || seq != 0 {
		t.Fatalf("%d %v", seq, err)
	}
	for _, seq := range []event.Seq{7, 9} {
		if err := l.Settle("siem", seq, []byte{byte(seq)}, true); err != nil {
			t.Fatal(err)
		}
	}
	_ = l.Close()
	l = openTest(t, "ledger", memory(fs))
	if seq, err := l.Cursor("siem"); err != nil || seq != 9 {
		t.Fatalf("after reopening: %d %v", seq, err)
	}
	if account, err := l.Account("siem"); err != nil || string(account) != "\x09" {
		t.Fatalf("account after reopening: %q %v", account, err)
	}
	if names, err := l.CursorNames(); err != nil || len(names) != 1 || names[0] != "siem" {
		t.Fatalf("names %v, %v", names, err)
	}
	if err := l.Settle("", 1, nil, false); err == nil {
		t.Fatal("a cursor without a name was stored")
	}
}

func TestOpenSessions(t *testing.T) {
	l := openMem(t)
	for _, name := range []string{"b", "a", "c"} {
		appendTest(t, l, prompt(name, 1, "go"))
	}
	appendTest(t, l, newEvent("a", 2, "", &event.SessionClosedPayload{Reason: "completed", Events: 2, Counts: map[event.Kind]uint64{event.UserPrompt: 1}}))
	appendTest(t, l, newEvent("c", 2, "", &event.ConversationStartsPayload{Originator: "first"}), newEvent("c", 3, "", &event.ConversationStartsPayload{Originator: "reported:x"}))
	want := []OpenSession{{ID: "b"}, {ID: "c", Originator: "reported:x"}}
	record, err := loadRecord(l.db, "c")
	if err != nil || record.Originator != "reported:x" {
		t.Fatalf("%+v %v", record, err)
	}
	for range 2 {
		got, err := l.OpenSessions(t.Context())
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
		record.Originator = "" // as older programs wrote it
		if err := l.write(t.Context(), false, func(b batch) error { return record.save(b, "c") }); err != nil {
			t.Fatal(err)
		}
	}
	mustBeGreen(t, l)
	long := strings.Repeat("x", maxOriginator+1)
	appendTest(t, l, newEvent("b", 2, "", &event.ConversationStartsPayload{Originator: long}))
	if got, err := l.OpenSessions(t.Context()); err != nil || len(got) != 2 || got[0].Originator != long {
		t.Errorf("got %v, %v", got, err)
	}
}
