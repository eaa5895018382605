package cases

import (
	"encoding/json"
	"fmt"
	"slices"

	"proctor/policy/execrules"
)

func judgeRules(line []byte) (Result, error) {
	var c struct {
		Policies []string   `json:"policies"`
		Command  []string   `json:"command"`
		Resolve  bool       `json:"resolve_host_executables"`
		Expect   string     `json:"expect"`
		Prefixes [][]string `json:"expect_matched_prefixes"`
	}
	if err := decode(line, &c); err != nil {
		return Result{}, err
	}
	switch {
	case c.Policies == nil:
		return Result{}, missing("policies")
	case c.Expect == "":
		return Result{}, missing("expect")
	}
	files := make([]execrules.File, len(c.Policies))
	for i, text := range c.Policies {
		files[i] = execrules.File{Name: fmt.Sprintf("policy%d.rules", i+1), Text: text}
	}
	res := Result{Want: c.Expect}
	rules, err := execrules.Parse(files)
	if err != nil {
		res.Got, res.Note = "error", err.Error()
		res.Pass = c.Expect == "error"
		return res, nil
	}
	checked := rules.Check(c.Command, execrules.Options{ResolveHostExecutables: c.Resolve})
	res.Got = "none"
	if checked.Decision != "" {
		res.Got = execrules.DecisionWord(checked.Decision)
	}
	res.Pass = res.Got == c.Expect
	if c.Prefixes == nil {
		return res, nil
	}
	prefixes := [][]string{}
	for _, m := range checked.Matches {
		prefixes = append(prefixes, m.Prefix)
	}
	res.Pass = res.Pass && slices.EqualFunc(prefixes, c.Prefixes, slices.Equal)
	res.Got += " " + inJSON(prefixes)
	res.Want += " " + inJSON(c.Prefixes)
	return res, nil
}

// inJSON prints a value that always encodes.
func inJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
