package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"proctor/internal/otlpsink"
)

func sent(attributes ...map[string]any) shapes {
	s := shapes{}
	for _, a := range attributes {
		s.records([]otlpsink.Record{{Scope: "codex_otel.log_only", SeverityText: "INFO", Attributes: a}})
	}
	return s
}

func TestOnlyDifferencesWithoutARowCount(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "rows.md")
	if err := os.WriteFile(file, []byte("| what | CLI | here |\n| --- | --- | --- |\n| `codex.a listed`, `codex.gone` | has it | no such thing |\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	why, err := readRows(file)
	if err != nil {
		t.Fatal(err)
	}
	a := func(more ...any) map[string]any {
		m := map[string]any{"event.name": "codex.a", "n": int64(1)}
		for i := 0; i < len(more); i += 2 {
			m[more[i].(string)] = more[i+1]
		}
		return m
	}
	cases := map[string]struct {
		theirs, ours shapes
		want         int
		says         string
	}{
		"same":                 {sent(a()), sent(a()), 0, "same        codex.a (1 and 1)"},
		"ours by design":       {sent(a()), sent(a("proctor.seq", int64(1), "turn.id", "t")), 0, "same        codex.a"},
		"listed":               {sent(a("listed", "x")), sent(a()), 0, "listed only the CLI has it (text): has it | no such thing"},
		"missing":              {sent(a("x", "x")), sent(a()), 1, "x only the CLI has it (text): unlisted"},
		"more":                 {sent(a()), sent(a("x", true)), 1, "x only proctor has it (boolean): unlisted"},
		"type":                 {sent(a("x", "1")), sent(a("x", int64(1))), 1, "x CLI text, proctor integer: unlisted"},
		"type in one of two":   {sent(a("x", "1")), sent(a("x", "1"), a("x", true)), 1, "x CLI text, proctor boolean text: unlisted"},
		"event not sent":       {sent(a(), map[string]any{"event.name": "codex.b"}), sent(a()), 1, "not sent by proctor: unlisted"},
		"listed as not sent":   {sent(a(), map[string]any{"event.name": "codex.gone"}), sent(a()), 0, "not sent by proctor: has it"},
		"ours alone":           {sent(a()), sent(a(), map[string]any{"event.name": "codex.b"}), 0, "ours alone  codex.b (1)"},
		"lines of the CLI":     {sent(a(), map[string]any{}), sent(a()), 0, "0 differences with a reason, 0 unlisted"},
		"a listed is not all":  {sent(a("listed", "x", "y", "y")), sent(a()), 1, "1 differences with a reason, 1 unlisted"},
		"an event is not both": {shapes{{"metric", "codex.a"}: {attrs: map[string]string{}}}, sent(a()), 1, "not sent by proctor: unlisted"},
	}
	for name, c := range cases {
		var out strings.Builder
		if got := report(&out, c.theirs, c.ours, why, false); got != c.want || !strings.Contains(out.String(), c.says) {
			t.Errorf("%s: %d unlisted, want %d and %q in\n%s", name, got, c.want, c.says, out.String())
		}
	}
}

func TestScenariosAreUnderstood(t *testing.T) {
	t.Parallel()
	all, err := readScenarios("")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range all {
		names = append(names, s.Name)
	}
	if diff := cmp.Diff([]string{"mcp", "message", "network", "refused", "review", "tools", "trouble"}, names); diff != "" {
		t.Error(diff)
	}
	if _, err := readScenarios("nothing"); err == nil {
		t.Error("an unknown name is taken")
	}
}

func TestOurSpansAreThoseOfTheCLI(t *testing.T) {
	t.Parallel()
	theirs, ours := shapes{}, shapes{}
	theirs.spans([]otlpsink.Span{{Name: "turn", Attributes: map[string]any{"model": "m", "busy_ns": int64(1), "n": int64(1)}}, {Name: "function"}})
	ours.spans([]otlpsink.Span{
		{Name: "turn", Attributes: map[string]any{"model": "m", "n": "1", "conversation.id": "c", "more": true}}, {Name: "own"},
	})
	var out strings.Builder
	if n := report(&out, theirs, ours, rows{"span turn more": "a reason"}, false); n != 2 || strings.Contains(out.String(), "busy_ns") {
		t.Errorf("%d unlisted, want the type of n and the name of own:\n%s", n, out.String())
	}
}

func TestTheServerOfTheScenarioSpeaksMCP(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	in := `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"v"}}
{"jsonrpc":"2.0","method":"notifications/initialized"}
{"jsonrpc":"2.0","id":2,"method":"tools/list"}
{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"boom"}}
`
	if err := serveMCP(strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], `"protocolVersion":"v"`) || strings.Count(lines[1], `"inputSchema"`) != 3 || !strings.Contains(lines[2], `"isError":true`) {
		t.Errorf("%s", out.String())
	}
}
