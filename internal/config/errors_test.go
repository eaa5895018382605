//go:build unix

package config

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestErrorShowsPlaceExpectationAndExcerpt(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"syntax", "model = \"a\"\nsandbox_mode = = 1\n", []string{userFile + ":2:16: ", "malformed TOML", "sandbox_mode = = 1", "~"}},
		{"duplicate", "model = \"a\"\nmodel = \"b\"\n", []string{userFile + ":2:1: ", "model"}},
		{"word", "[history]\npersistence = \"some\"", []string{userFile + ":2:1: history.persistence: unknown value \"some\"", `expected one of "save-all", "none"`}},
		{"near word", `sandbox_mode = "workspace-wirte"`, []string{`did you mean "workspace-write"?`}},
		{"type", "notify = 3", []string{"notify: got 3; expected a list of text"}},
		{"element", "notify = [\n\"a\",\n3]", []string{userFile + ":3:1: notify[1]: got 3"}},
		{"array table", "[[hooks.x]]\na=1\n[model_providers.p]\nwire_api=\"chat\"", []string{userFile + ":4:1: model_providers.p.wire_api", `"responses"`}},
		{"too deep", "x = " + strings.Repeat("[", 1000), []string{userFile + ":1:69: nested too deep"}},
		{"too deep key", strings.Repeat("a.", 1000) + "a = 1", []string{"nested too deep"}},
		{"too large", "#" + strings.Repeat("x", maxFileBytes), []string{userFile, "too large"}},
		{"not text", "model = \"\xff\"", []string{userFile + ":1:"}},
		{"missing url", "model_provider=\"p\"\n[model_providers.p]\nname=\"p\"", []string{userFile + ":2:", "model_providers.p.base_url: missing"}},
		{"tls halves", "[otel]\nexporter={otlp-grpc={endpoint=\"http://c\",tls={client-certificate=\"/c\"}}}", []string{"both or neither"}},
		{"two exporters", "[otel]\nexporter={otlp-grpc={endpoint=\"a\"},otlp-http={endpoint=\"b\"}}", []string{"otel.exporter: 2 exporters"}},
		{"granting glob", "[permissions.w.filesystem]\n\"/a/*.x\"=\"read\"", []string{`glob "/a/*.x" grants read`}},
		{"granting glob below", "[permissions.w.filesystem]\n\":project_roots\"={\"*.x\"=\"write\"}", []string{`glob "*.x" grants write`}},
		{"dots below", "[permissions.w.filesystem]\n\":project_roots\"={\"../x\"=\"none\"}", []string{`path "../x" with . or ..`}},
		{"below root word", "[permissions.w.filesystem]\n\":root\"={\"x\"=\"none\"}", []string{`entries below ":root"`}},
		{"relative path", "[permissions.w.filesystem]\n\"x\"=\"read\"", []string{`relative path "x"`}},
		{"depth zero", "[permissions.w.filesystem]\nglob_scan_max_depth=0", []string{"glob_scan_max_depth"}},
		{"no endpoint", "[otel]\nexporter={otlp-grpc={}}", []string{"otel.exporter.otlp-grpc.endpoint: missing"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := Load(options(map[string]string{userFile: tt.text}))
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range tt.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error lacks %q:\n%v", w, err)
				}
			}
			if len(Problems(err)) == 0 || Problems(err)[0].File != userFile {
				t.Errorf("no *Error with the file: %#v", Problems(err))
			}
		})
	}
}

func TestUnknownKeyWarningHasPlaceAndNearestKey(t *testing.T) {
	_, warnings := mustLoad(t, options(map[string]string{userFile: "\n[sandbox_workspace_write]\nnetwork_acess = true"}))
	want := []Warning{{Kind: WarnUnknownKey, Key: "sandbox_workspace_write.network_acess", Layer: LayerUser, File: userFile, Line: 3, Column: 1,
		Message: `unknown key sandbox_workspace_write.network_acess is ignored; did you mean "sandbox_workspace_write.network_access"?`}}
	if d := cmp.Diff(want, warnings); d != "" {
		t.Error(d)
	}
}

func TestProblemsAreCountedBeyondTheBound(t *testing.T) {
	var b strings.Builder
	for i := range maxProblems + 50 {
		fmt.Fprintf(&b, "k%d = 1\n", i)
	}
	opts := options(map[string]string{userFile: b.String()})
	_, warnings := mustLoad(t, opts)
	if len(warnings) != maxProblems {
		t.Errorf("%d warnings, want %d", len(warnings), maxProblems)
	}
	opts.Strict = true
	_, _, err := Load(opts)
	if err == nil || !strings.Contains(err.Error(), "50 more problems") {
		t.Errorf("the rest is not counted: %.200v", err)
	}
}

// A long table name with many keys, and many keys at all, must cost neither
// square memory nor square time.
func TestHostileFileStaysCheap(t *testing.T) {
	head := "[" + strings.Repeat(strings.Repeat("a", maxKeyBytes)+".", 60) + "a]\n"
	numbered := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "sandbox_mod%d=1\n", i)
		}
		return b.String()
	}
	start := time.Now()
	for _, tt := range []struct {
		text    string
		refused bool
	}{
		{head + numbered(maxValues-100), false},
		{numbered(maxValues - 100), false},
		{head + numbered(maxValues), true},
		{numbered(50_000), true},
		{"x=[" + strings.Repeat("1,", 400_000) + "]", true},
	} {
		_, _, err := Load(options(map[string]string{userFile: tt.text}))
		if got := err != nil && strings.Contains(err.Error(), "too many values"); got != tt.refused {
			t.Errorf("%.30s… (%d bytes): refused %v, want %v", tt.text, len(tt.text), got, tt.refused)
		}
	}
	if d := time.Since(start); d > 10*time.Second { // about 1 s; minutes and gigabytes without the bounds
		t.Errorf("took %v", d)
	}
}
