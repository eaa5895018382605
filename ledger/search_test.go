package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"proctor/event"
)

// ran are the decision and the start of one command.
func ran(session string, argv ...string) []*event.Event {
	action, _ := json.Marshal(event.Action{Kind: event.ActionCommand, Tool: "shell", Argv: argv, Cwd: "/work/" + session})
	words, _ := json.Marshal(argv)
	decision := newEvent(session, 0, "c", &event.ToolDecisionPayload{ToolName: "shell", CallID: "c", Decision: "approved", Outcome: "allow", Rule: "rules:3", Action: event.Secret(string(action))})
	return []*event.Event{decision, newEvent(session, 0, "c", &event.ExecStartedPayload{ToolName: "shell", Decision: decision.ID, Argv: event.Secret(string(words))})}
}

func age(text string) (time.Duration, error) { return time.ParseDuration(text) }

func query(t testing.TB, text string) Query {
	t.Helper()
	q, err := ParseQuery(text, clock(), age)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func searched(t testing.TB, l *Ledger, q Query) (found []event.Seq) {
	t.Helper()
	if err := l.Search(context.Background(), q, func(e event.Entry) error { found = append(found, e.Seq); return nil }); err != nil {
		t.Fatal(err)
	}
	return found
}

func indexTest(t testing.TB, l *Ledger) {
	t.Helper()
	if err := l.Index(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
}

// wide is a ledger with n sessions of commands, two entries each turn, in and behind the index.
func wide(t testing.TB, l *Ledger, entries int) {
	t.Helper()
	words := []string{"curl", "git", "make", "rm"}
	for i := 0; i < entries; {
		var batch []*event.Event
		for len(batch) < 256 && i < entries {
			session := fmt.Sprintf("s%d", i/200)
			switch {
			case i%50 == 0:
				batch = append(batch, newEvent(session, 0, "", &event.NetworkPolicyDecisionPayload{Decision: "deny", Host: fmt.Sprintf("h%d.example", i%7), Rule: "egress"}))
			case i%51 == 0:
				batch = append(batch, newEvent(session, 0, "", &event.FileChangePayload{Path: fmt.Sprintf("/work/a/%d/x.go", i%5), Change: "add"}))
			default:
				batch = append(batch, ran(session, words[i%4], "-x", fmt.Sprintf("/tmp/f%d", i%9))[i%2])
			}
			i++
		}
		appendTest(t, l, batch...)
	}
}

// Whatever is asked, the index finds exactly what reading every entry finds: complete, with holes, and behind.
func TestSearchFindsWhatReadingFinds(t *testing.T) {
	now := clock()
	opts := memory(vfs.NewMem())
	opts.Now = func() time.Time { now = now.Add(time.Second); return now }
	l := openTest(t, "ledger", opts)
	wide(t, l, 2*runEntries+100)
	var all []event.Entry
	for from := event.Seq(0); uint64(from) < l.Tree().Size; from += 1000 {
		some, err := l.Read(t.Context(), from, 1000)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, some...)
	}
	conditions := []string{
		"word = curl", "word = -x", "word = nothing", "word != git", "word ~ UR", "path = /tmp/f3", "path = /work", "path = /work/a/2", "host = h3.example",
		"host ~ example", "rule = egress", "decision = deny", "decision != allow", "kind = exec_started", "kind = proctor.file_change", "session = s7", "session != s7",
		"time >= 2026-11-23T12:00:03Z", "time < 2026-11-23T12:00:09Z", "time > 2030-01-01", "time < 1h", "path = /", "path = /tmp/f3x",
	}
	fits := map[string][]bool{}
	for _, c := range conditions {
		q := query(t, c)
		for _, e := range all {
			fits[c] = append(fits[c], q.matches(e))
		}
	}
	check := func(some ...string) error {
		var want, got []event.Seq
		for i := range all {
			if !slices.ContainsFunc(some, func(c string) bool { return !fits[c][i] }) {
				want = append(want, event.Seq(i))
			}
		}
		q, err := ParseQuery(strings.Join(some, " and "), clock(), age)
		if err == nil {
			err = l.Search(context.Background(), q, func(e event.Entry) error { got = append(got, e.Seq); return nil })
		}
		if err == nil && !slices.Equal(want, got) {
			err = fmt.Errorf("%q: %d found, want %d", some, len(got), len(want))
		}
		return err
	}
	states := map[string]func(){
		"not built": func() {},
		"built":     func() { indexTest(t, l) },
		"a hole": func() {
			b := l.db.NewBatch()
			if err := errors.Join(l.dropRun(b, 1), l.db.Apply(b, pebble.NoSync), b.Close()); err != nil {
				t.Fatal(err)
			}
		},
		"another version": func() {
			if err := l.db.Set(numberKey(prefixRun, 0), []byte{9, 9, 9}, pebble.NoSync); err != nil {
				t.Fatal(err)
			}
		},
	}
	for _, name := range []string{"not built", "built", "a hole", "another version", "built"} {
		states[name]()
		for _, c := range conditions {
			if err := check(c); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		pick := rand.New(rand.NewPCG(1, 2))
		for range 8 {
			if err := check(conditions[pick.IntN(len(conditions))], conditions[pick.IntN(len(conditions))], conditions[pick.IntN(len(conditions))]); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	if missing, err := l.missingRuns(); err != nil || len(missing) > 0 {
		t.Fatalf("missing %v %v", missing, err)
	}
}

// An index that says nonsense costs time or hides, and never shows what is not there.
func TestTheIndexIsNotTrusted(t *testing.T) {
	l := openMem(t)
	wide(t, l, 2*runEntries)
	before := verify(t, l)
	indexTest(t, l)
	h := l.keys.hash(Term{FieldWord, "wget"})
	for run, value := range map[uint64][]byte{0: {1, 2, 3}, 1: {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1}, 77: {1}} {
		if err := l.db.Set(appendTermKey(nil, h, run), value, pebble.NoSync); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.db.Set(numberKey(prefixRun, 77), runMeta{clock(), clock()}.encode(), pebble.NoSync); err != nil {
		t.Fatal(err)
	}
	if got := searched(t, l, query(t, "word = wget")); len(got) > 0 {
		t.Errorf("found %v", got)
	}
	if after := verify(t, l); after.Root != before.Root || !maps.Equal(after.Counts, before.Counts) {
		t.Errorf("verify: %v, before %v", after.Counts, before.Counts)
	}
}

func TestErasingRemovesWordsFromTheIndexAndTheFiles(t *testing.T) {
	dir := t.TempDir()
	l := openTest(t, dir, Options{})
	appendTest(t, l, ran("secret", "tell", "mauve")...)
	wide(t, l, 2*runEntries)
	appendTest(t, l, ran("secret", "mauve", "again")...)
	indexTest(t, l)
	mauve, curl := query(t, "word = mauve"), query(t, "word = curl")
	if got := searched(t, l, mauve); len(got) != 4 {
		t.Fatalf("found %v", got)
	}
	others := searched(t, l, curl)
	hash := l.keys.hash(Term{FieldWord, "mauve"})
	if err := l.db.Flush(); err != nil {
		t.Fatal(err)
	}
	twice := [][]byte{bytes.Repeat(hash[:], 2)} // found looks for half of a value, which is the hash
	if found(t, dir, twice) == 0 {
		t.Fatal("the search for bytes finds nothing before the erasure")
	}
	eraseTest(t, l, "secret")
	for _, built := range []bool{false, true} {
		if built {
			indexTest(t, l)
		}
		if got := searched(t, l, mauve); len(got) > 0 {
			t.Errorf("built %v: found %v", built, got)
		}
		if got := searched(t, l, curl); !slices.Equal(got, others) {
			t.Errorf("built %v: %d of other sessions, want %d", built, len(got), len(others))
		}
		if got := searched(t, l, query(t, "session = secret and decision = approved")); len(got) != 2 {
			t.Errorf("built %v: what is public: %v", built, got)
		}
		it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: appendTermKey(nil, hash, 0), UpperBound: appendTermKey(nil, hash, 1<<62)})
		if err != nil {
			t.Fatal(err)
		}
		if it.First() {
			t.Errorf("built %v: the index has the word", built)
		}
		if err := it.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.db.Flush(); err != nil {
		t.Fatal(err)
	}
	if found(t, dir, twice) > 0 {
		t.Error("the hash of the word is in a file")
	}
}

// A run that was read before an erasure does not come into the index after it.
func TestARunReadBeforeAnErasureIsNotWritten(t *testing.T) {
	l := openMem(t)
	appendTest(t, l, ran("secret", "tell", "mauve")...)
	wide(t, l, runEntries)
	before := l.indexes.erasures()
	b, err := l.runBatch(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	eraseTest(t, l, "secret")
	if written, err := l.writeRun(b, before); written || err != nil {
		t.Errorf("written %v, %v", written, err)
	}
	if missing, err := l.missingRuns(); err != nil || len(missing) != 1 {
		t.Errorf("missing %v %v", missing, err)
	}
}

func TestParseQuery(t *testing.T) {
	for text, want := range map[string]string{
		"word=curl":                      "word = curl",
		"  word = 'a b' and host=\"x\" ": "word = a b, host = x",
		"kind=exec_started kind!=prompt": "kind = proctor.exec_started, kind != prompt",
		"path = /a/b/ AND word ~ and":    "path = /a/b, word ~ and",
		"time>=2026-11-01 time < 2h":     "time >= 2026-11-01, time < 2h",
		"word = and and word = x":        "word = and, word = x",
		"":                               "a search needs",
		"word":                           "expected one of",
		"word =":                         "expected a value",
		"colour = red":                   "expected a field",
		"word > x":                       "= != ~",
		"time = 2026-11-01":              "< <= > >=",
		"time > soon":                    "expected 2026-11-01",
		"path = a/b":                     "not absolute",
		"word = 'x":                      "does not end",
		"word = x or word = y":           "expected a field",
		"word = ''":                      "is empty",
		strings.Repeat("word = x ", 33):  "more than 32",
		"word = x and":                   "expected a field",
	} {
		q, err := ParseQuery(text, clock(), age)
		if err != nil {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v, want %q", text, err, want)
			}
			continue
		}
		var got []string
		for _, c := range q {
			got = append(got, c.Field+" "+c.Op+" "+c.Value)
		}
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("%q: %q, want %q", text, s, want)
		}
	}
}

func FuzzParseQuery(f *testing.F) {
	f.Add("word = 'a b' and time >= 2026-11-01")
	f.Fuzz(func(t *testing.T, text string) {
		if q, err := ParseQuery(text, clock(), age); err == nil && (len(q) == 0 || q[0].Value == "") {
			t.Errorf("%q: %+v", text, q)
		}
	})
}
