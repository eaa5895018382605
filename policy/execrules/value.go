package execrules

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"

	"proctor/policy"
)

// readDecision also tells whether a person must answer.
func readDecision(v starlark.Value, managed bool) (d policy.Outcome, person bool, err error) {
	if v == nil {
		return policy.Allow, false, nil
	}
	s, _ := starlark.AsString(v)
	if managed && s == "prompt-user" {
		return policy.Prompt, true, nil
	}
	if d, ok := decisions[s]; ok {
		return d, false, nil
	}
	return "", false, fmt.Errorf("decision is %s; expected \"allow\", \"prompt\" or \"forbidden\"", short(v))
}

func readJustification(v starlark.Value) (string, error) {
	if v == nil {
		return "", nil
	}
	s, ok := starlark.AsString(v)
	if !ok || strings.TrimSpace(s) == "" {
		return "", fmt.Errorf("justification is %s; expected a text that is not blank, or leave it out", short(v))
	}
	return s, bounded("justification", s)
}

// readPattern returns the alternatives for each word.
func readPattern(list *starlark.List) ([][]string, error) {
	if list.Len() == 0 || list.Len() > maxTokens {
		return nil, fmt.Errorf("pattern has %d elements; expected 1 to %d", list.Len(), maxTokens)
	}
	out := make([][]string, list.Len())
	for i := range out {
		alternatives, err := readAlternatives(list.Index(i))
		if err != nil {
			return nil, fmt.Errorf("pattern element %d: %w", i+1, err)
		}
		out[i] = alternatives
	}
	return out, nil
}

func readAlternatives(v starlark.Value) ([]string, error) {
	if s, ok := starlark.AsString(v); ok {
		return []string{s}, bounded("word", s)
	}
	list, ok := v.(*starlark.List)
	if !ok || list.Len() == 0 || list.Len() > maxAlts {
		return nil, fmt.Errorf("got %s; expected a string or a list of 1 to %d strings", short(v), maxAlts)
	}
	return readStrings(list)
}

func readStrings(list *starlark.List) ([]string, error) {
	out := make([]string, list.Len())
	for i := range out {
		s, ok := starlark.AsString(list.Index(i))
		if !ok {
			return nil, fmt.Errorf("got %s in a list; expected strings only", short(list.Index(i)))
		}
		if err := bounded("word", s); err != nil {
			return nil, err
		}
		out[i] = s
	}
	return out, nil
}

// readExamples: each example is a command line as a string, split like a shell does, or a list of words.
func readExamples(name string, v starlark.Value) ([][]string, error) {
	if v == nil {
		return nil, nil
	}
	list, ok := v.(*starlark.List)
	if !ok || list.Len() > maxExamples {
		return nil, fmt.Errorf("%s is %s; expected a list of at most %d examples", name, short(v), maxExamples)
	}
	out := make([][]string, list.Len())
	for i := range out {
		words, err := readExample(list.Index(i))
		if err != nil {
			return nil, fmt.Errorf("%s example %d: %w", name, i+1, err)
		}
		out[i] = words
	}
	return out, nil
}

func readExample(v starlark.Value) (words []string, err error) {
	if s, ok := starlark.AsString(v); ok {
		if words, err = SplitWords(s); err != nil {
			return nil, err
		}
	} else if list, ok := v.(*starlark.List); ok {
		if words, err = readStrings(list); err != nil {
			return nil, err
		}
	} else {
		return nil, fmt.Errorf("got %s; expected a string or a list of strings", short(v))
	}
	if len(words) == 0 || len(words) > maxTokens {
		return nil, fmt.Errorf("has %d words; expected 1 to %d", len(words), maxTokens)
	}
	return words, nil
}

func bounded(what, s string) error {
	if len(s) > maxWordSize {
		return fmt.Errorf("%s has %d bytes; at most %d are allowed", what, len(s), maxWordSize)
	}
	return nil
}

// short prints a value for a message; composite values only by type, as they may be large.
func short(v starlark.Value) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case starlark.String:
		return clip(v.String())
	case starlark.Int, starlark.Bool, starlark.NoneType:
		return clip(v.String())
	}
	return "a " + v.Type()
}
