package codex

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"proctor/event"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// render shows one event a line: envelope, then every field that is not empty, sealed texts in clear.
func render(t *testing.T, drafts []event.Draft) string {
	t.Helper()
	ids := map[event.ID]string{"": "-"}
	var b strings.Builder
	for i, d := range drafts {
		if d.ID != "" {
			ids[d.ID] = fmt.Sprintf("#%d", i+1)
		}
		fmt.Fprintf(&b, "%d %s turn=%s call=%s cause=%s actor=%s", i+1, d.Payload.Kind(), d.Turn, d.Call, ids[d.Cause], d.Actor)
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

func collect(r io.Reader, o Options) ([]event.Draft, Summary, error) {
	var drafts []event.Draft
	sum, err := Import(r, o, func(_ string, d event.Draft) error {
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

// encodable fails for a draft that the ledger would refuse, or that does not say that it was reported.
func encodable(d event.Draft) error {
	kind := d.Payload.Kind()
	entry, _ := event.Lookup(kind)
	_, err := event.Encode(&event.Event{
		ID: event.NewID(), Kind: kind, Schema: entry.Schema, Session: "s", Turn: d.Turn, Call: d.Call, Time: time.Unix(0, 0),
		Cause: d.Cause, Actor: d.Actor, Payload: d.Payload,
	})
	if err != nil {
		return err
	}
	marked := func(id string) bool { return id == "" || strings.HasPrefix(id, Mark) }
	if d.Actor != event.System || !marked(d.Turn) || !marked(d.Call) {
		return fmt.Errorf("not marked as reported: %+v", d)
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
	for _, o := range []Options{{Session: "a b"}, {MaxLines: -1}, {FirstTurn: -1}} {
		if _, _, err := collect(strings.NewReader(started), o); err == nil {
			t.Errorf("%+v accepted", o)
		}
	}
	full := errors.New("ledger is full")
	if sum, err := Import(strings.NewReader(started+started), Options{}, func(string, event.Draft) error { return full }); !errors.Is(err, full) || sum.Lines != 1 {
		t.Errorf("%+v, %v", sum, err)
	}
}

// Whatever the source, every draft can be recorded and is marked, and the counts agree.
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
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		sum, err := Import(strings.NewReader(string(b)), Options{MaxLines: 1000}, func(session string, d event.Draft) error {
			n++
			if err := event.CheckSession(session); err != nil {
				t.Fatal(err)
			}
			if err := encodable(d); err != nil {
				t.Fatal(err)
			}
			return nil
		})
		if sum.Events != n || sum.Malformed > sum.Lines || (err == nil && sum.Turns > sum.Lines) {
			t.Fatalf("%d events, %+v, %v", n, sum, err)
		}
	})
}
