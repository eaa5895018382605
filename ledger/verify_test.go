package ledger

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"proctor/event"
)

func verify(t testing.TB, l *Ledger) Report {
	t.Helper()
	r, err := l.Verify(context.Background(), VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustBeGreen(t testing.TB, l *Ledger) Report {
	t.Helper()
	r := verify(t, l)
	if !r.OK {
		t.Fatalf("verify: %v, findings %+v", r.Counts, r.Findings)
	}
	return r
}

// supervised is a session with one call that was decided, started and ended, closed in order.
func supervised(session string) []*event.Event {
	digest := event.Hash{1, 2, 3}
	decision := newEvent(session, 2, "call_1", &event.ToolDecisionPayload{ToolName: "exec_command", CallID: "call_1", Decision: "approved", Source: "Config", Outcome: "allow", Digest: digest})
	events := []*event.Event{
		newEvent(session, 1, "", &event.ConversationStartsPayload{ProviderName: "mock", Model: "gpt-test", Cwd: event.Secret("/src/" + session), Originator: "proctor_exec"}),
		decision,
		newEvent(session, 3, "call_1", &event.ExecStartedPayload{ToolName: "exec_command", Digest: digest, Decision: decision.ID, Argv: event.Secret(`["true"]`)}),
		newEvent(session, 4, "call_1", &event.ToolResultPayload{CallID: "call_1", Status: "completed", Digest: digest, Output: event.Secret("done")}),
		newEvent(session, 5, "", &event.SessionClosedPayload{Reason: "completed", Events: 5, Counts: map[event.Kind]uint64{
			event.ConversationStarts: 1, event.ToolDecision: 1, event.ExecStarted: 1, event.ToolResult: 1,
		}}),
	}
	return events
}

func TestVerifyGreen(t *testing.T) {
	l := openMem(t)
	appendTest(t, l, supervised("one")...)
	appendTest(t, l, prompts("two", 1, 700)...)
	if _, err := l.Checkpoint(context.Background()); err != nil {
		t.Fatal(err)
	}
	appendTest(t, l, supervised("three")...)
	if _, err := l.Checkpoint(context.Background()); err != nil {
		t.Fatal(err)
	}
	var steps int
	r, err := l.Verify(context.Background(), VerifyOptions{Progress: func(done, total uint64) { steps++ }})
	if err != nil || !r.OK {
		t.Fatalf("%v %+v", err, r)
	}
	if r.Entries != 710 || r.Sessions != 3 || r.Checkpoints != 2 || r.Newest != 710 || r.Root != l.Tree().Root || steps == 0 {
		t.Fatalf("report %+v after %d steps", r, steps)
	}
	if len(r.Findings) != 1 || r.Findings[0].Code != CodeSessionOpen {
		t.Fatalf("findings %+v, want one running session", r.Findings)
	}
	l.opts.Now = func() time.Time { return clock().Add(time.Hour) }
	if r := mustBeGreen(t, l); r.Findings[0].Code != CodeSessionUnclosed || r.Findings[0].Severity != SeverityWarning {
		t.Fatalf("an hour later: %+v", r.Findings)
	}
}

// TestVerifyNamesTheTamperedPlace changes one thing behind the ledger's back.
func TestVerifyNamesTheTamperedPlace(t *testing.T) {
	flip := func(b []byte, i int) []byte { b = slices.Clone(b); b[i] ^= 1; return b }
	tests := []struct {
		name   string
		tamper func(t *testing.T, db *pebble.DB)
		code   string
		seq    event.Seq // -1 for findings without a place
		reopen bool      // the ledger refuses to append
	}{
		{"byte of an entry", func(t *testing.T, db *pebble.DB) {
			change(t, db, numberKey(prefixEntry, 17), func(b []byte) []byte { return flip(b, len(b)-20) })
		}, CodeTileHash, 17, false},
		{"two entries swapped", func(t *testing.T, db *pebble.DB) {
			a, _ := get(db, numberKey(prefixEntry, 20))
			change(t, db, numberKey(prefixEntry, 20), func([]byte) []byte { b, _ := get(db, numberKey(prefixEntry, 21)); return b })
			change(t, db, numberKey(prefixEntry, 21), func([]byte) []byte { return a })
		}, CodeEntryIndex, 20, false},
		{"entry removed", func(t *testing.T, db *pebble.DB) { remove1(t, db, numberKey(prefixEntry, 40)) }, CodeEntryMissing, 40, false},
		{"last entry removed", func(t *testing.T, db *pebble.DB) { remove1(t, db, numberKey(prefixEntry, 604)) }, CodeEntryMissing, 604, true},
		{"hash in a full tile", func(t *testing.T, db *pebble.DB) {
			change(t, db, appendTileKey(nil, 0, 1), func(b []byte) []byte { return flip(b, 5*32) })
		}, CodeTileHash, 261, false},
		{"hash in an upper tile", func(t *testing.T, db *pebble.DB) {
			change(t, db, appendTileKey(nil, 8, 0), func(b []byte) []byte { return flip(b, 32) })
		}, CodeTileHash, 511, true},
		{"hash in a middle tile", func(t *testing.T, db *pebble.DB) {
			change(t, db, appendTileKey(nil, 4, 0), func(b []byte) []byte { return flip(b, 5*32) })
		}, CodeTileHash, 95, false},
		{"middle tile removed", func(t *testing.T, db *pebble.DB) { remove1(t, db, appendTileKey(nil, 4, 0)) }, CodeTileMissing, 15, true},
		{"hash in the open tile", func(t *testing.T, db *pebble.DB) {
			change(t, db, appendTileKey(nil, 0, 2), func(b []byte) []byte { return flip(b, len(b)-1) })
		}, CodeTileHash, 604, true},
		{"root in the head", func(t *testing.T, db *pebble.DB) {
			change(t, db, headKey, func(b []byte) []byte { return flip(b, 20) })
		}, CodeHeadRoot, none, true},
		{"head set back", func(t *testing.T, db *pebble.DB) {
			change(t, db, headKey, func(b []byte) []byte { return flip(b, 8) })
		}, CodeHeadSize, 604, true},
		{"size in a checkpoint", func(t *testing.T, db *pebble.DB) {
			change(t, db, numberKey(prefixCheckpoint, 305), func(b []byte) []byte { return []byte(strings.Replace(string(b), "305", "304", 1)) })
		}, CodeCheckpointForm, none, false},
		{"signature of a checkpoint", func(t *testing.T, db *pebble.DB) {
			change(t, db, numberKey(prefixCheckpoint, 305), func(b []byte) []byte { return flip(b, len(b)-20) })
		}, CodeCheckpointSign, none, false},
		{"root in a checkpoint", func(t *testing.T, db *pebble.DB) {
			change(t, db, numberKey(prefixCheckpoint, 305), func(b []byte) []byte {
				lines := strings.Split(string(b), "\n")
				lines[2] = "A" + lines[2][1:]
				if lines[2] == strings.Split(string(b), "\n")[2] {
					lines[2] = "B" + lines[2][1:]
				}
				return []byte(strings.Join(lines, "\n"))
			})
		}, CodeCheckpointRoot, none, false},
		{"content", func(t *testing.T, db *pebble.DB) {
			change(t, db, sessionKey(prefixContent, "b", 30), func(b []byte) []byte { return flip(b, 30) })
		}, CodeContentDamaged, 30, false},
		{"content of two entries swapped", func(t *testing.T, db *pebble.DB) {
			change(t, db, sessionKey(prefixContent, "b", 30), func([]byte) []byte {
				b, _ := get(db, sessionKey(prefixContent, "b", 31))
				return b
			})
		}, CodeContentDamaged, 30, false},
		{"content removed", func(t *testing.T, db *pebble.DB) { remove1(t, db, sessionKey(prefixContent, "b", 30)) }, CodeContentMissing, 30, false},
		{"session index", func(t *testing.T, db *pebble.DB) {
			change(t, db, sessionKey(prefixSession, "b", 3), func(b []byte) []byte { return flip(b, 7) })
		}, CodeSessionIndex, 7, false},
		{"id index", func(t *testing.T, db *pebble.DB) {
			s, _ := get(db, numberKey(prefixEntry, 9))
			e, _ := parseEntry(s)
			h, _ := parseHeadOf(e.public)
			k, _ := newIDKey(h.ID)
			remove1(t, db, k[:])
		}, CodeIDIndex, 9, false},
		{"session record", func(t *testing.T, db *pebble.DB) { remove1(t, db, nameKey(prefixRecord, "b")) }, CodeSessionRecord, none, false},
		{"originator in the record", func(t *testing.T, db *pebble.DB) {
			change(t, db, nameKey(prefixRecord, "a"), func(record []byte) []byte {
				return bytes.Replace(record, []byte(`"originator":"proctor_exec"`), []byte(`"originator":"reported:you"`), 1)
			})
		}, CodeSessionRecord, none, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fs := vfs.NewMem()
			l := openTest(t, "ledger", memory(fs))
			appendTest(t, l, supervised("a")...)
			appendTest(t, l, prompts("b", 1, 300)...)
			if _, err := l.Checkpoint(context.Background()); err != nil {
				t.Fatal(err)
			}
			appendTest(t, l, prompts("b", 301, 300)...)
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			tamper(t, fs, tt.tamper)

			l = openTest(t, "ledger", memory(fs))
			r := verify(t, l)
			if r.OK || !slices.ContainsFunc(r.Findings, func(f Finding) bool {
				return f.Severity == SeverityError && f.Code == tt.code && (tt.seq == none && f.Seq == nil || f.Seq != nil && *f.Seq == tt.seq)
			}) {
				t.Fatalf("no finding %s at %d in %s", tt.code, tt.seq, show(r))
			}
			if quick := verifyQuick(t, l); quick.OK != quickMisses[tt.code] {
				t.Errorf("quick verification: %v%s", quick.OK, show(quick))
			}
			_, err := l.Append(context.Background(), prompt("c", 1, "x"))
			if refused := err != nil; refused != tt.reopen {
				t.Fatalf("append after tampering: %v", err)
			}
		})
	}
}

// quickMisses are the findings that only reading what entries say can have.
var quickMisses = map[string]bool{CodeContentDamaged: true, CodeContentMissing: true, CodeIDIndex: true, CodeSessionIndex: true, CodeSessionRecord: true}

const none = ^event.Seq(0)

func show(r Report) string {
	var b strings.Builder
	for _, f := range r.Findings {
		seq := "-"
		if f.Seq != nil {
			seq = fmt.Sprint(*f.Seq)
		}
		fmt.Fprintf(&b, "\n  %s %s %s %s", f.Severity, f.Code, seq, f.Message)
	}
	return b.String()
}

// tamper changes the store as somebody with write access to the directory would.
func tamper(t *testing.T, fs vfs.FS, f func(*testing.T, *pebble.DB)) {
	t.Helper()
	db, err := pebble.Open("ledger/db", &pebble.Options{FS: fs, Logger: newHealth(slog.New(slog.DiscardHandler)), FormatMajorVersion: pebble.FormatWALSyncChunks})
	if err != nil {
		t.Fatal(err)
	}
	f(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func change(t *testing.T, db *pebble.DB, key []byte, f func([]byte) []byte) {
	t.Helper()
	b, err := get(db, key)
	if err != nil || b == nil {
		t.Fatalf("key %x: %v", key, err)
	}
	if err := db.Set(key, f(b), pebble.Sync); err != nil {
		t.Fatal(err)
	}
}

func remove1(t *testing.T, db *pebble.DB, key []byte) {
	t.Helper()
	if b, err := get(db, key); err != nil || b == nil {
		t.Fatalf("key %x: %v", key, err)
	}
	if err := db.Delete(key, pebble.Sync); err != nil {
		t.Fatal(err)
	}
}

// TestVerifyStories checks what sessions tell, on entries that are all genuine.
func TestVerifyStories(t *testing.T) {
	tests := []struct {
		name   string
		events func() []*event.Event
		code   string
		ok     bool
	}{
		{"in order", func() []*event.Event { return supervised("s") }, "", true},
		{"started without a decision", func() []*event.Event {
			e := supervised("s")
			e[2].Payload.(*event.ExecStartedPayload).Decision = event.NewID()
			return e
		}, CodeStartedUndecided, false},
		{"started with another action", func() []*event.Event {
			e := supervised("s")
			e[2].Payload.(*event.ExecStartedPayload).Digest = event.Hash{9}
			return e
		}, CodeStartedUndecided, false},
		{"started although denied", func() []*event.Event {
			e := supervised("s")
			e[1].Payload.(*event.ToolDecisionPayload).Outcome = "forbid"
			return e
		}, CodeStartedUndecided, false},
		{"started before its decision", func() []*event.Event {
			e := supervised("s")
			e[1], e[2] = e[2], e[1]
			e[1].Seq, e[2].Seq = 2, 3
			return e
		}, CodeStartedUndecided, false},
		{"closed with a call open", func() []*event.Event {
			e := supervised("s")
			e[3] = prompt("s", 4, "x")
			e[4].Payload = &event.SessionClosedPayload{Events: 5, Counts: map[event.Kind]uint64{event.UserPrompt: 1, event.ExecStarted: 1}}
			return e
		}, CodeStartedUnresolved, false},
		{"closed with a call open that is listed", func() []*event.Event {
			e := supervised("s")
			e[3] = prompt("s", 4, "x")
			e[4].Payload = &event.SessionClosedPayload{Events: 5, Counts: map[event.Kind]uint64{event.UserPrompt: 1, event.ExecStarted: 1}, OpenCalls: []string{"call_1"}}
			return e
		}, CodeStartedUnresolved, true},
		{"counts do not match", func() []*event.Event {
			e := supervised("s")
			e[4].Payload.(*event.SessionClosedPayload).Counts[event.ToolResult] = 2
			return e
		}, CodeClosedCounts, false},
		{"counts of another kind", func() []*event.Event {
			e := supervised("s")
			c := e[4].Payload.(*event.SessionClosedPayload).Counts
			delete(c, event.ToolResult)
			c[event.UserPrompt] = 1
			return e
		}, CodeClosedCounts, false},
		{"number does not match", func() []*event.Event {
			e := supervised("s")
			e[4].Payload.(*event.SessionClosedPayload).Events = 7
			return e
		}, CodeClosedNumber, false},
		{"a heartbeat", func() []*event.Event {
			e := supervised("s")
			e[3] = newEvent("s", 4, "", &event.SessionHeartbeatPayload{Every: 300_000, Events: 4, Counts: map[event.Kind]uint64{event.ConversationStarts: 1, event.ToolDecision: 1, event.ExecStarted: 1}})
			e[4].Payload = &event.SessionClosedPayload{Events: 5, OpenCalls: []string{"call_1"}, Counts: map[event.Kind]uint64{event.ConversationStarts: 1, event.ToolDecision: 1, event.ExecStarted: 1, event.SessionHeartbeat: 1}}
			return e
		}, CodeStartedUnresolved, true},
		{"a heartbeat that counts what is not there", func() []*event.Event {
			return append(supervised("s")[:1], newEvent("s", 2, "", &event.SessionHeartbeatPayload{Every: 300_000, Events: 2, Counts: map[event.Kind]uint64{event.UserPrompt: 1}}))
		}, CodeClosedCounts, false},
		{"interrupted call", func() []*event.Event { return supervised("s")[:3] }, CodeStartedUnresolved, true},
		{"resumed by another process", func() []*event.Event {
			return append(supervised("s")[:3],
				newEvent("s", 4, "", &event.SessionResumedPayload{After: 3, Interrupted: []string{"call_1"}}),
				newEvent("s", 5, "call_1", &event.ToolResultPayload{CallID: "call_1", Status: "interrupted"}),
				newEvent("s", 6, "", &event.SessionClosedPayload{Reason: "recovered", Events: 6, Counts: map[event.Kind]uint64{event.SessionResumed: 1, event.ToolResult: 1}}))
		}, "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := openMem(t)
			appendTest(t, l, tt.events()...)
			r := verify(t, l)
			found := slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Code == tt.code })
			if r.OK != tt.ok || tt.code != "" && !found || tt.code == "" && len(r.Findings) > 0 {
				t.Fatalf("ok %t, want %t with %q:%s", r.OK, tt.ok, tt.code, show(r))
			}
		})
	}
}

// TestRollbackIsNoticed puts an old copy of the store back and keeps the checkpoint log.
func TestRollbackIsNoticed(t *testing.T) {
	dir := t.TempDir()
	opts := Options{Now: clock, CheckpointInterval: -1}
	l := openTest(t, dir, opts)
	appendTest(t, l, prompts("a", 1, 10)...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir+".old", os.DirFS(dir+"/db")); err != nil {
		t.Fatal(err)
	}
	l = openTest(t, dir, opts)
	appendTest(t, l, prompts("a", 11, 10)...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir + "/db"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir+".old", dir+"/db"); err != nil {
		t.Fatal(err)
	}
	l = openTest(t, dir, opts)
	if _, err := l.Append(context.Background(), prompt("a", 11, "fork")); err == nil || !strings.Contains(err.Error(), ErrRolledBack.Error()) {
		t.Fatalf("append to a ledger that was rolled back: %v", err)
	}
	r := verify(t, l)
	if r.OK || r.Findings[0].Code != CodeCheckpointAhead {
		t.Fatalf("verify: %s", show(r))
	}
	if entries, err := l.Read(context.Background(), 0, 100); err != nil || len(entries) != 10 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
}
