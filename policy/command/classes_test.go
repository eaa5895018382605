package command

import (
	"bufio"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"proctor/policy"
)

// classCase is a line of testdata/classes.jsonl: a case of kind command with the raised class and a finding that raises it.
type classCase struct {
	ID        string       `json:"id"`
	Argv      []string     `json:"argv"`
	Expect    policy.Class `json:"expect"`
	Effective policy.Class `json:"effective"`
	Finding   string       `json:"finding"`
}

func readCases(t *testing.T) (cases []classCase) {
	t.Helper()
	f, err := os.Open("testdata/classes.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var c classCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	if len(cases) < 250 {
		t.Fatalf("%d cases", len(cases))
	}
	return cases
}

func codes(p Parsed) (out []string) {
	for _, part := range p.Parts {
		for _, f := range part.Findings {
			out = append(out, f.Code)
		}
	}
	return out
}

// Each command has its documented class, and the class it is decided by.
func TestClasses(t *testing.T) {
	for _, c := range readCases(t) {
		p := Parse(c.Argv)
		if p.Class() != c.Expect || p.Effective() != c.Effective || c.Finding != "" && !slices.Contains(codes(p), c.Finding) {
			t.Errorf("%s %q: class %s, effective %s, findings %q; want %s, %s, %q", c.ID, c.Argv, p.Class(), p.Effective(), codes(p), c.Expect, c.Effective, c.Finding)
		}
		if c.Expect == c.Effective && len(codes(p)) > 0 && c.Effective != policy.Dangerous && codes(p)[0] != FindingExpansion {
			t.Errorf("%s %q: findings %q raise nothing", c.ID, c.Argv, codes(p))
		}
	}
}

// No word stands in a table without a case that uses it.
func TestEveryWordHasACase(t *testing.T) {
	used := map[string]bool{}
	for _, c := range readCases(t) {
		for _, w := range strings.FieldsFunc(strings.Join(c.Argv, " "), func(r rune) bool { return strings.ContainsRune(" \n\"';|&(){}$`", r) }) {
			used[w] = true
			name, _, _ := strings.Cut(w, "=")
			used[name], used[base(w)] = true, true
		}
	}
	tables := map[string]set{"anyArgs": anyArgs, "gitReads": gitReads, "gitWrites": gitWrites, "gitBranchRead": gitBranchRead, "shells": shells,
		"splitShells": splitShells, "findRuns": findRuns, "scriptCarriers": scriptCarriers, "gitGlobalValue": gitGlobalValue, "interpreters": interpreters,
		"evaluators": evaluators, "wrappers": keys(wrappers), "hazards": keys(hazards), "gitDiscards": keys(gitDiscards), "withoutOptions": keys(withoutOptions)}
	for name, options := range withoutOptions {
		tables["options of "+name] = options
	}
	for table, list := range tables {
		for _, w := range list {
			if !used[w] {
				t.Errorf("%q of %s is in no case", w, table)
			}
		}
	}
}

func keys[V any](m map[string]V) set { return slices.Collect(maps.Keys(m)) }
