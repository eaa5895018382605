package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// jsonLines reads one object a line; a line that is none ends the script.
func jsonLines(ts *testscript.TestScript, file string) []map[string]any {
	var out []map[string]any
	for i, line := range strings.Split(ts.ReadFile(file), "\n") {
		if line == "" {
			continue
		}
		var v map[string]any
		d := json.NewDecoder(strings.NewReader(line))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			ts.Fatalf("%s:%d: not a JSON object: %v: %s", file, i+1, err, line)
		}
		out = append(out, v)
	}
	return out
}

// field follows a dotted path; keys may have dots themselves, numbers index lists.
func field(v any, path string) (any, bool) {
	if path == "" {
		return v, true
	}
	if list, ok := v.([]any); ok {
		head, rest, _ := strings.Cut(path, ".")
		i, err := strconv.Atoi(head)
		if err != nil || i >= len(list) {
			return nil, false
		}
		return field(list[i], rest)
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, false
	}
	if x, ok := m[path]; ok {
		return x, true
	}
	for i, c := range path {
		if c != '.' {
			continue
		}
		if x, ok := m[path[:i]]; ok {
			return field(x, path[i+1:])
		}
	}
	return nil, false
}

// textOf writes strings plainly and everything else as JSON.
func textOf(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

var condExpr = regexp.MustCompile(`^(!?)([^=~]+)(?:([=~])((?s).*))?$`)

// holds reports whether an object fits KEY=VALUE, KEY~REGEXP, KEY (is there) or !KEY (is not there).
func holds(ts *testscript.TestScript, object map[string]any, cond string) bool {
	m := condExpr.FindStringSubmatch(cond)
	if m == nil {
		ts.Fatalf("condition %q: expected KEY=VALUE, KEY~REGEXP, KEY or !KEY", cond)
	}
	v, ok := field(object, m[2])
	switch m[3] {
	case "":
		return ok == (m[1] == "")
	case "~":
		match, err := regexp.MatchString(m[4], textOf(v))
		ts.Check(err)
		return ok && match
	}
	return ok && textOf(v) == m[4]
}

func count(ts *testscript.TestScript, what, want string, objects []map[string]any, conds []string) {
	n := 0
	for _, o := range objects {
		if !slices.ContainsFunc(conds, func(c string) bool { return !holds(ts, o, c) }) {
			n++
		}
	}
	least, atLeast := strings.CutPrefix(want, ">=")
	limit, err := strconv.Atoi(least)
	ts.Check(err)
	if n != limit && (!atLeast || n < limit) {
		ts.Check(&wrong{what + " with " + strings.Join(conds, " "), strconv.Itoa(n), want})
	}
}

// cmdJSONCount counts the lines of a file that fit all conditions.
func cmdJSONCount(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) >= 2, "json-count FILE N [KEY=VALUE|KEY~REGEXP|KEY|!KEY]...")
	count(ts, "lines of "+args[0], args[1], jsonLines(ts, args[0]), args[2:])
}

// cmdJSONValues compares the values of one field, line by line, where it is there.
func cmdJSONValues(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) >= 2, "json-values FILE PATH VALUE...")
	got := []string{}
	for _, o := range jsonLines(ts, args[0]) {
		if v, ok := field(o, args[1]); ok {
			got = append(got, textOf(v))
		}
	}
	if !slices.Equal(got, args[2:]) {
		ts.Check(&wrong{"values of " + args[1] + " in " + args[0], strings.Join(got, " "), strings.Join(args[2:], " ")})
	}
}

// cmdJSONText checks a file that is one JSON object, over several lines perhaps.
func cmdJSONText(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) >= 2, "json-text FILE COND...")
	var object map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &object))
	count(ts, args[0], "1", []map[string]any{object}, args[1:])
}

// cmdSameValue compares one field of the first lines that have it in two files.
func cmdSameValue(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 4, "same-value FILE PATH FILE PATH")
	first := func(file, path string) string {
		for _, o := range jsonLines(ts, file) {
			if v, ok := field(o, path); ok {
				return textOf(v)
			}
		}
		ts.Fatalf("no line of %s has %s", file, path)
		return ""
	}
	if a, b := first(args[0], args[1]), first(args[2], args[3]); a != b {
		ts.Check(&wrong{args[1] + " of " + args[0], a, b})
	}
}

var cleanings = []struct {
	expr *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "UUID"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| UTC)?`), "TIME"},
	{regexp.MustCompile(`\b[0-9a-f]{12,64}\b`), "HASH"},
	{regexp.MustCompile(`\b\d+ settings\b`), "N settings"},
	{regexp.MustCompile(`\b\d+(\.\d+)? ?m?s\b`), "TOOK"},
	{regexp.MustCompile(`\b\d+ events\b`), "N events"}, // output arrives in pieces as it pleases
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "LOOPBACK"},
	{regexp.MustCompile(`\[\d{2,}\]`), "[PID]"},
	{regexp.MustCompile(`\b(bwrap|native)\b`), "SANDBOX"}, // whichever this machine has
}

// cmdClean copies text without what differs from run to run: places, ids, times, digests.
func cmdClean(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 2, "clean FROM TO")
	text := strings.ReplaceAll(ts.ReadFile(args[0]), ts.Getenv("WORK"), "WORK")
	host, _ := os.Hostname()
	text = regexp.MustCompile(`\b`+regexp.QuoteMeta(host)+`\b`).ReplaceAllString(text, "HOST")
	for _, c := range cleanings {
		text = c.expr.ReplaceAllString(text, c.with)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}
