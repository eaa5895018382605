package fakemodel

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMistakesInAScenarioAreNamed(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"not JSON", `{`, "parse scenario"},
		{"two values", `{}{}`, "more than one JSON value"},
		{"unknown field", `{"stesp":[]}`, `unknown field "stesp"`},
		{"unknown part", `{"steps":[{"parts":[{"shout":"x"}]}]}`, `unknown field "shout"`},
		{"two things in a part", `{"steps":[{"parts":[{"say":"a","call":"b"}]}]}`, `track "main", step 0: part 0: more than one of say`},
		{"end", `{"name":"n","steps":[{},{"end":"boom"}]}`, `scenario "n", track "main", step 1: end "boom" is none of`},
		{"status", `{"steps":[{"status":99}]}`, "status 99 is not between"},
		{"match", `{"tracks":[{"name":"t","match":"(","steps":[]}]}`, `track "t", match: error parsing regexp`},
		{"require", `{"steps":[{"require":["("]}]}`, "require: error parsing"},
		{"forbid", `{"steps":[{"forbid":["("]}]}`, "forbid: error parsing"},
		{"deltas", `{"steps":[{"parts":[{"say":"a","deltas":1000001}]}]}`, "deltas 1000001 is not between"},
		{"deltas elsewhere", `{"steps":[{"parts":[{"reason":"a","deltas":2}]}]}`, "deltas belongs to say"},
		{"event", `{"steps":[{"parts":[{"event":{"x":1}}]}]}`, "event is not an object with a type"},
		{"delay", `{"steps":[{"delay_ms":-1}]}`, "must not be negative"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := Parse([]byte(tt.in)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
	if _, err := New(Script(Answer().Ending("boom"))).Start(); err == nil {
		t.Error("a server started with a mistake in its script")
	}
}

// What the builder makes can be written to a file and read back.
func TestBuilderAndFormatAgree(t *testing.T) {
	t.Parallel()
	built := Script(
		Answer(Reason("r"), Call("f", "c", map[string]int{"a": 1}), Custom("p", "d", "in"), Say("x").Final().In(3), Raw("data: 1\n\n")).Using(Usage{Input: 1}).Requiring("a").Forbidding("b"),
		Refuse(500, map[string]string{"error": "e"}).With("x", "y"), Fail("code", "message", Say("z")))
	data, err := json.Marshal(built)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(built, back); diff != "" {
		t.Error(diff)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"name":"x","steps":[{"parts":[{"say":"a","deltas":2},{"item":{}},{"event":{"type":"t"}}],"end":"eof"}]}`))
	f.Add([]byte(`{"tracks":[{"name":"t","match":"a.*b","loop":true,"steps":[{"status":500}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		scenario, err := Parse(data)
		if err != nil {
			return
		}
		for _, track := range scenario.tracks() {
			for _, step := range track.Steps {
				unmet(step, nil) // the expressions were accepted: they compile
				if len(data) > 4<<10 {
					continue
				}
				var out strings.Builder
				r := &renderer{out: &out, id: func(p string) string { return p }, pause: func() error { return nil }}
				step.Parts = cheap(step.Parts)
				if err := r.step(step); err != nil {
					t.Fatalf("step %+v: %v", step, err)
				}
			}
		}
	})
}

// cheap bounds the deltas so that the fuzzer is not slowed down by asking for many.
func cheap(parts []Part) []Part {
	for i := range parts {
		parts[i].Deltas = min(parts[i].Deltas, 100)
	}
	return parts
}
