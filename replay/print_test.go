package replay

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"proctor/event"
)

func text(t *testing.T, entries []event.Entry, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, Build(entries), o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTimelineGolden(t *testing.T) {
	golden(t, "demo.txt", text(t, demo(), Options{}))
	golden(t, "demo-80.txt", text(t, demo(), Options{Width: 80}))
}

func TestPrinterAndKindFilterGolden(t *testing.T) {
	for name, o := range map[string]Options{"lines.txt": {}, "decisions.txt": {Kinds: []event.Kind{event.ToolDecision, event.ApprovalDecided}}} {
		var b bytes.Buffer
		p := NewPrinter(&b, o)
		for _, e := range demo() {
			if err := p.Print(e); err != nil {
				t.Fatal(err)
			}
		}
		golden(t, name, b.String())
	}
}

func TestExplainGolden(t *testing.T) {
	for _, id := range []string{"call_1", "call_3"} {
		x, err := Explain(demo(), id)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := WriteExplanation(&b, x, Options{}); err != nil {
			t.Fatal(err)
		}
		golden(t, "explain-"+id+".txt", b.String())
		if !x.Sound {
			t.Errorf("%s: not sound: %v", id, x.Problems)
		}
	}
	if _, err := Explain(demo(), "call_9"); err == nil {
		t.Error("a call that does not exist was explained")
	}
}

// An action that ran although another was decided must show.
func TestExplainFindsAnActionThatWasNotDecided(t *testing.T) {
	r := &recording{}
	r.begin("p")
	r.command("c", []string{"ls"}, func(a event.Action, id event.ID) {
		a.Argv = []string{"rm", "x"}
		r.start(a, "01900000-0000-7000-8000-999999999999")
	})
	x, err := Explain(r.entries, "c")
	if err != nil {
		t.Fatal(err)
	}
	if x.Sound || len(x.Problems) != 2 || len(x.Digests) != 2 {
		t.Errorf("sound %v, problems %q, digests %v", x.Sound, x.Problems, x.Digests)
	}
}

func TestJSONGolden(t *testing.T) {
	var b bytes.Buffer
	for i, e := range demo() {
		line, err := JSON(e, i%2 == 1)
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(line) {
			t.Fatalf("not JSON: %s", line)
		}
		b.Write(line)
		b.WriteByte('\n')
	}
	golden(t, "demo.jsonl", b.String())
}

func TestSummaryGolden(t *testing.T) {
	b, err := json.MarshalIndent(Summarize(demo()), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "summary.json", string(b)+"\n")
}

// Nothing recorded may act on a terminal or hide, in any output.
func TestHostileTextReachesNoTerminal(t *testing.T) {
	outputs := map[string]string{"timeline": text(t, hostile(), Options{Full: true}), "narrow": text(t, hostile(), Options{Width: 40})}
	var printed, lines bytes.Buffer
	p := NewPrinter(&printed, Options{})
	for _, e := range hostile() {
		if err := p.Print(e); err != nil {
			t.Fatal(err)
		}
		line, err := JSON(e, false)
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(append(line, '\n'))
	}
	outputs["lines"], outputs["json"] = printed.String(), lines.String()
	x, err := Explain(hostile(), "call_\x1b[31m")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := WriteExplanation(&b, x, Options{}); err != nil {
		t.Fatal(err)
	}
	outputs["explain"] = b.String()
	for name, out := range outputs {
		if at := unsafe(out); at >= 0 {
			t.Errorf("%s: unsafe character at %d: %q", name, at, out[max(0, at-30):min(len(out), at+30)])
		}
		for _, line := range strings.Split(out, "\n") {
			if strings.HasPrefix(line, "+0.000s") {
				t.Errorf("%s: a recorded text poses as a line of ours: %q", name, line)
			}
		}
	}
}

// unsafe finds the first character that must not be printed.
func unsafe(out string) int {
	for i, r := range out {
		if r == utf8.RuneError && !strings.HasPrefix(out[i:], "\uFFFD") || r != '\n' && hidden(r) {
			return i
		}
	}
	return -1
}

func TestColorsOnlyWhenAsked(t *testing.T) {
	if strings.Contains(text(t, demo(), Options{}), "\x1b") {
		t.Error("colours without being asked for")
	}
	colored := text(t, demo(), Options{Color: true})
	if !strings.Contains(colored, "\x1b[31m") {
		t.Error("no red although a call failed")
	}
	for _, line := range strings.Split(colored, "\n") {
		if strings.Count(line, "\x1b[") != 2*strings.Count(line, ansiReset) {
			t.Errorf("colours that do not end: %q", line)
		}
	}
	env := func(vars map[string]string) func(string) string { return func(k string) string { return vars[k] } }
	if !UseColor(true, env(nil)) || UseColor(false, env(nil)) || UseColor(true, env(map[string]string{"NO_COLOR": "1"})) || UseColor(true, env(map[string]string{"TERM": "dumb"})) {
		t.Error("UseColor")
	}
}

func TestLinesFitTheWidth(t *testing.T) {
	r := &recording{}
	r.begin(strings.Repeat("界 word ", 60))
	r.command("c", []string{"sh", "-c", strings.Repeat("日本語", 50)}, func(a event.Action, id event.ID) { r.start(a, id) })
	for _, width := range []int{60, 80, 133} {
		for _, line := range strings.Split(text(t, r.entries, Options{Width: width}), "\n") {
			if cells(line) > width && !strings.HasPrefix(line, "session") {
				t.Errorf("width %d: %d cells: %q", width, cells(line), line)
			}
		}
	}
}

func TestLongBlocksAreCutAndSaySo(t *testing.T) {
	r := &recording{}
	r.begin("p")
	r.command("c", []string{"seq", "100"}, func(a event.Action, id event.ID) {
		r.start(a, id)
		r.add(event.Executor, &event.ExecOutputPayload{Chunk: event.Secret(strings.Repeat("line\n", 100)), Omitted: 77})
	})
	short, full := text(t, r.entries, Options{}), text(t, r.entries, Options{Full: true})
	if !strings.Contains(short, "… 89 lines more") || !strings.Contains(short, "77 bytes of output were not kept") {
		t.Errorf("cuts are not marked:\n%s", short)
	}
	if strings.Count(full, "│ line") != 100 {
		t.Errorf("full output is not full:\n%s", full)
	}
	if !strings.Contains(short, "no result recorded") {
		t.Errorf("a call without result does not show:\n%s", short)
	}
}

// Erased content leaves its length.
func TestSealedContentIsMarked(t *testing.T) {
	enc, err := event.Encode(demo()[3].Event)
	if err != nil {
		t.Fatal(err)
	}
	erased, err := event.Decode(event.Encoded{Public: enc.Public})
	if err != nil {
		t.Fatal(err)
	}
	e := demo()[3]
	e.Event = erased
	if out := text(t, []event.Entry{e}, Options{}); !strings.Contains(out, "‹sealed, 48 bytes›") {
		t.Errorf("no mark:\n%s", out)
	}
	line, err := JSON(e, false)
	if err != nil || !strings.Contains(string(line), `"prompt":{"sealed":"`) {
		t.Errorf("%s %v", line, err)
	}
}

// Clocks and counters of a recording may say anything.
func TestAbsurdNumbersDoNotBreakTheTimeline(t *testing.T) {
	r := &recording{}
	r.begin("p")
	r.add(event.Executor, &event.TurnCompletedPayload{Status: "completed", Duration: math.MinInt64}, &event.TurnCompletedPayload{Duration: math.MaxInt64})
	r.entries[4].Event.Time = time.Time{}
	r.entries[5].Event.Time = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	if out := text(t, r.entries, Options{Width: 1}); !strings.Contains(out, "turn completed") {
		t.Errorf("nothing shown:\n%s", out)
	}
}

// A cut stream and what follows belong to one request, until an answer is complete.
func TestRetriesOfAModelRequestAreOneItem(t *testing.T) {
	r := &recording{}
	r.begin("p")
	r.add(event.Executor,
		&event.APIRequestPayload{Status: 200}, &event.SSEEventPayload{EventKind: "response.created"},
		&event.SSEEventPayload{EventKind: "response.completed", Error: "stream closed"},
		&event.StreamRetryPayload{Attempt: 1, Max: 5})
	r.request(10, 1)
	r.request(20, 2)
	var models []Item
	for _, item := range Build(r.entries).Parts[0].Items {
		if item.Label == "model" {
			models = append(models, item)
		}
	}
	if len(models) != 2 || !strings.HasPrefix(models[0].Result, "2 attempts") || models[0].Tone != Warn || !strings.HasPrefix(models[1].Result, "1 attempt,") {
		t.Errorf("got %+v", models)
	}
}
