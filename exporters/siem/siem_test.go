package siem_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"proctor/event"
	"proctor/exporters"
	"proctor/exporters/exportertest"
	"proctor/exporters/siem"
	"proctor/internal/redact"
)

var update = flag.Bool("update", false, "rewrite the golden file")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hang only tells a hang from slowness.
const hang = time.Minute

var origin = time.Date(2026, 11, 23, 9, 10, 17, 724_000_000, time.UTC)

// golden has fixed ids; salts are random, so the leaf is set by hand.
func golden(t *testing.T) []event.Entry {
	t.Helper()
	exit := 1
	payloads := []event.Payload{
		&event.UserPromptPayload{Length: 12, Prompt: event.Secret("fix the test")},
		&event.ToolResultPayload{
			ResultSeq: 1, ToolName: "exec_command", ToolNamespace: "functions", CallID: "call-1", Duration: 625, Success: true, AgentName: "/root",
			Arguments: event.Secret(`{"cmd":"curl -H \"Authorization: Bearer abc123def456\" x"}`), Output: event.Secret("<denied> & gone"), Status: "completed", ExitCode: &exit,
		},
		&event.SandboxDenialPayload{Backend: "bwrap", Syscall: "openat", Access: "write", Path: "/etc/passwd", Rule: "read_only", Exact: true},
		&event.TurnCompletedPayload{Status: "completed", Usage: event.Usage{Input: 10}, LastMessage: event.Secret("done")},
	}
	var out []event.Entry
	for i, p := range payloads {
		c, _ := event.Lookup(p.Kind())
		e := &event.Event{
			ID: event.ID("01a207ab-9f1f-7ca2-b329-00000000000" + string(rune('0'+i))), Kind: p.Kind(), Schema: c.Schema, Session: "s1", Turn: "t1",
			Time: origin, Actor: event.Executor, Trace: strings.Repeat("ab", 16), Span: strings.Repeat("cd", 8), Payload: p,
		}
		r := event.Receipt{ID: e.ID, Seq: event.Seq(i), SessionSeq: uint64(i + 1), Leaf: event.Hash{byte(i)}, Received: origin.Add(time.Millisecond)}
		out = append(out, event.Entry{Receipt: r, Kind: e.Kind, Session: e.Session, Event: e})
	}
	return out
}

func TestLinesAreThoseOfTheGoldenFiles(t *testing.T) {
	t.Parallel()
	policy := redact.New(redact.Options{Key: redact.Key("golden")})
	for _, format := range siem.Formats {
		var got bytes.Buffer
		for _, e := range golden(t) {
			line, err := siem.Map(format, e, policy)
			if err != nil {
				t.Fatal(err)
			}
			got.Write(append(line, '\n'))
		}
		path := "testdata/entries." + format
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", format, diff)
		}
	}
}

// Every kind, in every format, at every level that forbids secrets, is one line without the one that stands in each of its texts.
func TestEveryKindIsOneLineWithoutSecrets(t *testing.T) {
	t.Parallel()
	l := ledger(t)
	for _, level := range []redact.Level{redact.Redacted, redact.MetadataOnly} {
		policy := redact.New(redact.Options{LogUserPrompt: true, LogAgentResponses: true, LogGuardianAssessments: true, Level: level})
		for _, format := range siem.Formats {
			for _, e := range l.Entries() {
				line, err := siem.Map(format, e, policy)
				if err != nil {
					t.Fatal(err)
				}
				if format != siem.CEF && !json.Valid(line) || bytes.ContainsAny(line, "\n\r") || bytes.Contains(line, []byte(exportertest.Planted)) {
					t.Errorf("%s, %s, %s: %s", level, format, e.Kind, line)
				}
				if level == redact.MetadataOnly && bytes.Contains(line, []byte("before token=")) && !publicText(e.Kind) {
					t.Errorf("%s, %s: content left at the level of metadata: %s", format, e.Kind, line)
				}
			}
		}
	}
	if _, err := siem.Map(siem.NDJSON, event.Entry{Kind: "proctor.later"}, redact.New(redact.Options{})); err == nil {
		t.Error("an entry without event was mapped")
	}
	if _, err := siem.Map("xml", l.Entries()[0], redact.New(redact.Options{})); err == nil {
		t.Error("a format that is none was taken")
	}
}

// publicText reports whether a kind has texts that are not sensitive by type; the test fills those with the same text.
func publicText(k event.Kind) bool {
	c, _ := event.Lookup(k)
	for _, f := range event.Fields(c.Payload) {
		if !f.Sensitive && f.Type != "integer" && f.Type != "boolean" {
			return true
		}
	}
	return false
}

func ledger(t *testing.T) *exportertest.Ledger {
	t.Helper()
	l := &exportertest.Ledger{}
	s, err := event.NewStream("s", 0, "", "", l, func() time.Time { return origin })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Record(t.Context(), exportertest.Every()...); err != nil {
		t.Fatal(err)
	}
	return l
}

// tornFile fails in the middle of the first line of its first write.
type tornFile struct {
	bytes.Buffer
	failed bool
	synced int
}

func (f *tornFile) Write(b []byte) (int, error) {
	if !f.failed {
		f.failed = true
		n, _ := f.Buffer.Write(b[:10])
		return n, errors.New("disk full")
	}
	return f.Buffer.Write(b)
}

func (f *tornFile) Sync() error { f.synced++; return nil }

func TestTornWriteIsRepeatedOnANewLine(t *testing.T) {
	t.Parallel()
	l := ledger(t)
	f := &tornFile{}
	e, err := exporters.New(siem.NewWriter("x.ndjson", f, redact.New(redact.Options{})), l, l, exporters.Options{Head: l.Head, FromBeginning: true, FlushWithin: hang})
	if err != nil {
		t.Fatal(err)
	}
	r := e.Flush(context.Background())
	if r.Left != 0 || f.synced != 1 {
		t.Errorf("report %v, %d syncs", r, f.synced)
	}
	whole := map[float64]bool{}
	for line := range strings.Lines(f.String()) {
		var v map[string]any
		if json.Unmarshal([]byte(line), &v) == nil {
			whole[v["seq"].(float64)] = true
		}
	}
	if want := len(event.Catalog()) - 2; len(whole) != want {
		t.Errorf("%d events in whole lines, want %d", len(whole), want)
	}
}
