package codex

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"proctor/event"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// render shows one event a line: envelope, then every field that is not empty, sealed texts in clear.
func render(t *testing.T, drafts []Report) string {
	t.Helper()
	ids := map[event.ID]string{"": "-"}
	var b strings.Builder
	for i, d := range drafts {
		if d.ID != "" {
			ids[d.ID] = fmt.Sprintf("#%d", i+1)
		}
		fmt.Fprintf(&b, "%d %s %s turn=%s call=%s cause=%s", i+1, d.Time.UTC().Format(time.RFC3339Nano), d.Payload.Kind(), d.Turn, d.Call, ids[d.Cause])
		v := reflect.ValueOf(d.Payload).Elem()
		for _, f := range event.Fields(d.Payload) {
			field := v.FieldByIndex(f.Index)
			if field.IsZero() {
				continue
			}
			value := field.Interface()
			if s, ok := value.(event.Sensitive); ok {
				value, _ = s.Reveal()
			}
			text, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, " %s=%s", f.Name, text)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func collect(r io.Reader, o Options) ([]Report, Summary, error) {
	var drafts []Report
	sum, err := Import(r, o, func(d Report) error {
		drafts = append(drafts, d)
		return nil
	})
	return drafts, sum, err
}

func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no sources: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			drafts, sum, err := collect(f, Options{})
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(sum)
			if err != nil {
				t.Fatal(err)
			}
			got := render(t, drafts) + string(text) + "\n"
			golden := strings.TrimSuffix(file, "jsonl") + "golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

var errNotHeld = errors.New("not held")

// encodable fails for a draft that the ledger would refuse, or that does not say that it was reported.
func encodable(d Report) error {
	kind := d.Payload.Kind()
	entry, _ := event.Lookup(kind)
	_, err := event.Encode(&event.Event{
		ID: d.ID, Kind: kind, Schema: entry.Schema, Session: d.Session, Turn: d.Turn, Call: d.Call, Time: d.Time,
		Cause: d.Cause, Actor: event.System, Payload: d.Payload,
	})
	if err != nil {
		return fmt.Errorf("%w: %w", errNotHeld, err)
	}
	marked := func(id string) bool { return id == "" || strings.HasPrefix(id, Mark) }
	if !marked(d.Turn) || !marked(d.Call) {
		return fmt.Errorf("%w: not marked as reported: %+v", errNotHeld, d)
	}
	return nil
}

const started = `{"type":"thread.started","thread_id":"t"}` + "\n"

func TestSizes(t *testing.T) {
	long := func(n int) string {
		return started + `{"type":"item.completed","item":{"type":"agent_message","text":"` + strings.Repeat("x", n) + "\"}}\n"
	}
	drafts, sum, err := collect(strings.NewReader(long(maxText+1)), Options{})
	if err != nil || sum.CutTexts != 1 {
		t.Fatalf("%+v, %v", sum, err)
	}
	if p := drafts[1].Payload.(*event.AgentResponsePayload); !p.Truncated || p.Response.Len() != maxText || p.Length != maxText+1 {
		t.Errorf("response %d of %d bytes, truncated %t", p.Response.Len(), p.Length, p.Truncated)
	}
	frame := len(long(0)) - len(started)
	if _, _, err := collect(strings.NewReader(long(MaxLine-frame)), Options{}); err != nil {
		t.Errorf("a line of MaxLine bytes: %v", err)
	}
	_, sum, err = collect(strings.NewReader(long(MaxLine-frame+1)), Options{})
	if !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "line 2:") || sum.Events != 1 {
		t.Errorf("a line above MaxLine: %+v, %v", sum, err)
	}
	if _, _, err := collect(strings.NewReader(started+"\n\n"), Options{MaxLines: 2}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too many lines: %v", err)
	}
}

func TestManyOpenCallsAreAllTold(t *testing.T) {
	var b strings.Builder
	b.WriteString(started)
	for i := range maxOpen + 10 {
		fmt.Fprintf(&b, `{"type":"item.started","item":{"id":"i%d","type":"command_execution","command":"c%d"}}`+"\n", i, i)
	}
	drafts, sum, err := collect(strings.NewReader(b.String()), Options{})
	if err != nil || sum.OpenItems != maxOpen+10 || len(drafts) != maxOpen+11 {
		t.Fatalf("%d drafts, %+v, %v", len(drafts), sum, err)
	}
	// Those beyond the bound are told of at once.
	for i, want := range map[int]string{1: "i256 running", 11: "i0 interrupted"} {
		if p := drafts[i].Payload.(*event.ToolResultPayload); strings.TrimPrefix(p.CallID, Mark)+" "+p.Status != want {
			t.Errorf("draft %d is %s %s, want %s", i, p.CallID, p.Status, want)
		}
	}
}

func TestRefusedSources(t *testing.T) {
	for _, c := range []struct {
		name, source string
		o            Options
		want         error
	}{
		{"no thread", `{"type":"turn.started"}`, Options{}, ErrNoThread},
		{"session given", `{"type":"turn.started"}`, Options{Session: "s"}, nil},
		{"two threads", started + `{"type":"thread.started","thread_id":"u"}`, Options{}, ErrTwoThreads},
		{"thread id that is no session id", `{"type":"thread.started","thread_id":"../x"}` + "\n" + `{"type":"turn.started"}`, Options{}, ErrNoThread},
		{"empty", "", Options{}, nil},
	} {
		if _, _, err := collect(strings.NewReader(c.source), c.o); !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", c.name, err, c.want)
		}
	}
	for _, o := range []Options{{Session: "a b"}, {MaxLines: -1}, {MaxBytes: -1}} {
		if _, _, err := collect(strings.NewReader(started), o); err == nil {
			t.Errorf("%+v accepted", o)
		}
	}
	full := errors.New("ledger is full")
	if sum, err := Import(strings.NewReader(started+started), Options{}, func(Report) error { return full }); !errors.Is(err, full) || sum.Lines != 1 {
		t.Errorf("%+v, %v", sum, err)
	}
}

// Every beginning of a source gives the beginning of its events, and the same whether it is compressed or not: that is what importing again rests on.
func TestBeginningsAgree(t *testing.T) {
	for _, file := range []string{"testdata/run.jsonl", "testdata/rollout-tools.jsonl", "testdata/rollout-items.jsonl"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		ids := func(b []byte) (ids []event.ID) {
			reports, _, err := collect(bytes.NewReader(b), Options{Session: "s"})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range reports {
				if !r.Derived {
					ids = append(ids, r.ID)
				}
			}
			return ids
		}
		whole := ids(b)
		if n := len(slices.Compact(slices.Sorted(slices.Values(whole)))); n != len(whole) {
			t.Errorf("%s: %d ids of %d events", file, n, len(whole))
		}
		for n := 0; n < len(b); n += 997 {
			if part := ids(b[:n]); !slices.Equal(part, whole[:len(part)]) {
				t.Fatalf("%s: the first %d bytes give other events", file, n)
			}
		}
		if diff := cmp.Diff(whole, ids(compress(t, b))); diff != "" {
			t.Errorf("%s compressed: %s", file, diff)
		}
		other := ids(bytes.Replace(b, []byte("thread"), []byte("THREAD"), 1))
		if len(other) > 0 && other[len(other)-1] == whole[len(whole)-1] {
			t.Errorf("%s: a changed line changes no id behind it", file)
		}
	}
}

func compress(t testing.TB, b []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(b, nil)
}

func TestDecompressionIsBounded(t *testing.T) {
	bomb := compress(t, bytes.Repeat([]byte("\n"), 1<<20))
	if _, _, err := collect(bytes.NewReader(bomb), Options{MaxBytes: 1 << 19}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a source that grows: %v", err)
	}
	if _, _, err := collect(bytes.NewReader(bomb[:len(bomb)-3]), Options{}); err == nil {
		t.Error("a cut compressed source is taken")
	}
	wide := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 18 << 3, 1, 0, 0} // one empty block, in a window of 256 MiB
	if _, _, err := collect(bytes.NewReader(wide), Options{}); !errors.Is(err, zstd.ErrWindowSizeExceeded) {
		t.Errorf("a window above the bound: %v", err)
	}
}

func TestOtherFilesAreRefused(t *testing.T) {
	for _, text := range []string{"root:x:0:0\n", "{\"a\":1}\n", "[]\n"} {
		if _, _, err := collect(strings.NewReader(text), Options{}); !errors.Is(err, ErrNoSource) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// held fails when a report breaks what every one must hold, whatever the source, or when the counts disagree.
func held(t *testing.T, b []byte) {
	n := 0
	sum, err := Import(bytes.NewReader(b), Options{MaxLines: 1000, MaxBytes: 1 << 20}, func(r Report) error {
		n++
		return encodable(r)
	})
	if sum.Events != n || sum.Malformed > sum.Lines || (err == nil && sum.Turns > sum.Lines) {
		t.Fatalf("%d events, %+v, %v", n, sum, err)
	}
	if errors.Is(err, errNotHeld) {
		t.Fatal(err)
	}
}

func FuzzImport(f *testing.F) {
	for _, file := range []string{"testdata/run.jsonl", "testdata/failed.jsonl"} {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		for line := range strings.Lines(string(b)) {
			f.Add([]byte(started + line))
		}
	}
	f.Add([]byte(started + `{"type":"item.completed","item":{"type":"collab_tool_call","tool":"spawn","prompt":"p","status":"completed"}}`))
	f.Add([]byte(started + `{"type":"item.completed","item":{"type":"file_change","changes":[{"path":"` + "\xff\u2028" + `","kind":null}],"status":"completed"}} x`))
	f.Fuzz(held)
}

func FuzzImportRollout(f *testing.F) {
	for _, file := range []string{"testdata/rollout-tools.jsonl", "testdata/rollout-items.jsonl"} {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		first, _, _ := bytes.Cut(b, []byte("\n"))
		for line := range bytes.Lines(b) {
			f.Add(slices.Concat(first, []byte("\n"), line))
		}
		f.Add(compress(f, b))
	}
	f.Fuzz(held)
}
