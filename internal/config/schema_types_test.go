//go:build unix

package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// wrongValues are tried in turn until one has another shape than a key wants.
var wrongValues = []string{"true", "3", `"odd"`, "[[true]]", `{ odd = 3 }`, "0.5"}

// wrongFor is a value of a shape that s does not accept; empty when it accepts every shape.
func wrongFor(s *spec) string {
	alts := []*spec{s}
	if s.kind == unionValue {
		alts = s.alts
	}
	for _, v := range wrongValues {
		n, err := parseOverrideValue(v, Origin{})
		if err != nil {
			panic(err)
		}
		if !slices.ContainsFunc(alts, func(a *spec) bool { return sameShape(n, a) }) {
			return v
		}
	}
	return ""
}

// typed is one place of a schema that wants a shape.
type typed struct {
	path []string
	spec *spec
}

// places of s and below, each once; free keys get a name that they accept.
func typedPlaces(s *spec, path []string) []typed {
	var all []typed
	down := func(seg string, kid *spec) { all = append(all, typedPlaces(kid, append(slices.Clone(path), seg))...) }
	if len(path) > 0 && s.kind != anyValue {
		all = append(all, typed{path, s})
	}
	switch s.kind {
	case tableValue:
		for _, k := range sortedKeys(s.fields) {
			down(k, s.fields[k])
		}
		if s.rest != nil {
			down("other", s.rest)
		}
	case mapValue:
		for _, k := range []string{"k", "/k"} {
			if bad := s.keys; s.elem != nil && (bad == nil || firstOf(bad(k)) == "") {
				down(k, s.elem)
				break
			}
		}
	case arrayValue:
		down("[0]", s.elem)
	case unionValue:
		for _, alt := range s.alts {
			if below := typedPlaces(alt, path); len(below) > 1 {
				all = append(all, below[1:]...)
			}
		}
	}
	return all
}

func firstOf(a, _ string) string { return a }

// written is a document that puts value at path.
func written(path []string, value string) string {
	for _, seg := range slices.Backward(path[1:]) {
		if seg == "[0]" {
			value = "[" + value + "]"
			continue
		}
		value = "{ " + formatKey([]string{seg}) + " = " + value + " }"
	}
	return path[0] + " = " + value + "\n"
}

// Every key of every file: a value of the wrong type is an error that names file, line, column, key and what was expected.
func TestEveryKeyRefusesAWrongType(t *testing.T) {
	total := 0
	for file, schema := range map[string]*spec{
		userFile:         configSchema(),
		requirementsFile: requirementsSchema(),
		caseHome + "/.local/state/proctor/" + proctorFileName: proctorSchema(),
	} {
		for _, p := range typedPlaces(schema, nil) {
			wrong := wrongFor(p.spec)
			if wrong == "" {
				continue
			}
			total++
			text := "\n" + written(p.path, wrong)
			_, _, err := Load(options(map[string]string{file: text}))
			key := formatPath(p.path)
			if !slices.ContainsFunc(Problems(err), func(e *Error) bool {
				return e.File == file && e.Line == 2 && e.Column > 0 && e.Key == key && e.Expected == p.spec.String() && e.Got != ""
			}) {
				t.Errorf("%s: %s: no error for %s with place and expectation %q; got %v", file, text, key, p.spec, err)
			}
		}
	}
	if total < 250 {
		t.Errorf("only %d keys were tried", total)
	}
}

// Hostile shapes in every layer end in an error with a place, or in a configuration, and soon.
func TestHostileTextInEveryLayer(t *testing.T) {
	for name, text := range map[string]string{
		"deep arrays":     "x = " + strings.Repeat("[", 100_000),
		"deep tables":     "x = " + strings.Repeat("{a=", 100_000),
		"deep header":     "[" + strings.Repeat("a.", 100_000) + "a]",
		"giant array":     "x = [" + strings.Repeat("1,", 300_000) + "]",
		"giant string":    "x = \"" + strings.Repeat("y", maxFileBytes) + "\"",
		"invalid UTF-8":   "model = \"\xc3\x28\"",
		"zero byte":       "model = \"\x00\"",
		"duplicate key":   "model = \"a\"\nmodel = \"b\"",
		"duplicate table": "[history]\n[history]",
		"key and table":   "history = 1\n[history]\nmax_bytes = 1",
		"lone carriage":   "model = \"a\"\rmodel = \"b\"",
		"unclosed string": "model = \"a",
		"unclosed table":  "[history",
		"no value":        "model =",
		"escaped NUL":     "model = \"\\u0000\"\nmodel = 1",
		"surrogate":       "model = \"\\ud800\"",
		"number too big":  "project_doc_max_bytes = 99999999999999999999",
	} {
		for _, file := range everyFile {
			opts := options(map[string]string{userFile: trustText, file: text})
			opts.Profile = "p"
			_, _, err := Load(opts)
			problems := Problems(err)
			if len(problems) == 0 {
				t.Errorf("%s in %s: no error", name, file)
				continue
			}
			if e := problems[0]; e.File != file || name != "giant string" && e.Line == 0 {
				t.Errorf("%s in %s: the error has no place: %.200v", name, file, err)
			}
		}
	}
}

const trustText = "[projects.\"/ws\"]\ntrust_level=\"trusted\"\n"

// everyFile is one of each layer that has a file.
var everyFile = []string{systemConfigFile, userFile, caseCodexHome + "/p.config.toml", "/ws/.codex/config.toml", managedConfigFile, requirementsFile,
	caseHome + "/.local/state/proctor/proctor.toml"}

// FuzzEveryLayer puts arbitrary text into one layer, beside a sound configuration.
func FuzzEveryLayer(f *testing.F) {
	for i := range everyFile {
		f.Add(byte(i), "sandbox_mode = \"read-only\"\n[otel]\nexporter = { otlp-http = { endpoint = \"http://x\" } }")
		f.Add(byte(i), "\ufeffmodel=\"a\"\r\n[[hooks.PreToolUse]]\r\nx=1")
		f.Add(byte(i), "allowed_sandbox_modes=[\"read-only\"]\n[features]\nhooks=false\n[permissions.filesystem]\ndeny_read=[\"/x\"]")
		f.Add(byte(i), "[profiles.p.features]\nnetwork_proxy=true\n[a.b.c]\n\"\"=nan")
	}
	f.Fuzz(func(t *testing.T, which byte, text string) {
		file := everyFile[int(which)%len(everyFile)]
		files := map[string]string{userFile: trustText, requirementsFile: "allowed_web_search_modes=[\"cached\"]\n"}
		files[file] = text
		opts := options(files)
		opts.Profile = "p"
		c, _, err := Load(opts)
		if err != nil {
			for _, e := range Problems(err) {
				if strings.TrimSpace(e.Error()) == "" || e.File == "" && e.Key == "" {
					t.Fatalf("an error without words or place: %#v", e)
				}
			}
			if len(Problems(err)) == 0 {
				t.Fatalf("no *Error in %v", err)
			}
			return
		}
		for _, s := range c.Origins() {
			if s.Origin.Layer == "" || fmt.Sprint(s.Value) == "<nil>" {
				t.Fatalf("%s has no value or origin: %+v", s.Key, s)
			}
			c.Explain(s.Key)
		}
		findings, _, err := Check(opts)
		if err != nil || slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity == SeverityError }) {
			t.Fatalf("Load and Check disagree: %v %+v", err, findings)
		}
	})
}
