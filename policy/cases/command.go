package cases

import (
	"slices"
	"strings"

	"proctor/policy"
	"proctor/policy/command"
)

func judgeCommand(line []byte) (Result, error) {
	var c struct {
		Argv   []string       `json:"argv"`
		Expect policy.Class   `json:"expect"`
		Accept []policy.Class `json:"accept"`
	}
	if err := decode(line, &c); err != nil {
		return Result{}, err
	}
	want := c.Accept
	if len(want) == 0 && c.Expect != "" {
		want = []policy.Class{c.Expect}
	}
	switch {
	case c.Argv == nil:
		return Result{}, missing("argv")
	case len(want) == 0:
		return Result{}, missing("expect")
	}
	parsed := command.Parse(c.Argv)
	got := parsed.Class()
	res := Result{Pass: slices.Contains(want, got), Got: string(got), Want: joinWords(want)}
	if e := parsed.Effective(); e != got {
		res.Note = "decided as " + string(e) + ": " + findings(parsed)
	}
	return res, nil
}

func findings(p command.Parsed) string {
	var codes []string
	for _, part := range p.Parts {
		for _, f := range part.Findings {
			if !slices.Contains(codes, f.Code) {
				codes = append(codes, f.Code)
			}
		}
	}
	return strings.Join(codes, ", ")
}

func joinWords[S ~string](words []S) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return strings.Join(out, " or ")
}
