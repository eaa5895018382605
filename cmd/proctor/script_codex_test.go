package main

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
)

// cmdSameTurn compares two streams of codex exec --json: every line with all its members but the ids, whatever order calls side by side had.
func cmdSameTurn(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 2, "same-turn FILE FILE")
	own, ours := turnLines(ts, args[0]), turnLines(ts, args[1])
	need(ts, len(own) > 0, "a stream with lines")
	if diff := cmp.Diff(own, ours); diff != "" {
		ts.Fatalf("-%s +%s\n%s", args[0], args[1], diff)
	}
}

func turnLines(ts *testscript.TestScript, file string) []string {
	var out []string
	for _, line := range jsonLines(ts, file) {
		delete(line, "thread_id")
		if item, ok := line["item"].(map[string]any); ok {
			delete(item, "id")
			sortChanges(item)
		}
		b, err := json.Marshal(line)
		ts.Check(err)
		out = append(out, strings.ReplaceAll(string(b), ts.Getenv("WORK"), "WORK"))
	}
	slices.Sort(out)
	return out
}

// sortChanges orders the changes of a patch, which Codex keeps in a map.
func sortChanges(item map[string]any) {
	changes, _ := item["changes"].([]any)
	slices.SortFunc(changes, func(a, b any) int { return strings.Compare(textOf(a), textOf(b)) })
}
