package reviewer

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// MaxAnswer bounds the text that Parse looks at, in bytes.
const MaxAnswer = 256 << 10

// ErrEmptyAnswer means that the reviewer finished without saying anything. Asking again does not help.
var ErrEmptyAnswer = errors.New("the reviewer finished without an answer")

// The stock rationales stand for a missing or blank one.
const (
	stockAllow = "The reviewer allowed the action and gave no reason."
	stockDeny  = "The reviewer refused the action and gave no reason."
)

// Parse reads a reviewer's answer: the whole text as one JSON object, else what lies between the
// first opening and the last closing brace. The outcome is required. Missing or null are:
// risk (low for allow, high for deny), authorization (unknown) and rationale (a stock sentence).
// Names and words count as they are written; a repeated name is an error, an unknown one is ignored.
func Parse(text string) (Assessment, error) {
	if len(text) > MaxAnswer {
		return Assessment{}, fmt.Errorf("read the reviewer's answer: %d bytes, at most %d are read", len(text), MaxAnswer)
	}
	if strings.TrimSpace(text) == "" {
		return Assessment{}, ErrEmptyAnswer
	}
	a, err := parseObject(text)
	if err == nil {
		return a, nil
	}
	first, last := strings.IndexByte(text, '{'), strings.LastIndexByte(text, '}')
	if first < 0 || last < first {
		return Assessment{}, fmt.Errorf("read the reviewer's answer: no JSON object in it: %w", err)
	}
	if a, err = parseObject(text[first : last+1]); err != nil {
		return Assessment{}, fmt.Errorf("read the reviewer's answer: %w", err)
	}
	return a, nil
}

func parseObject(text string) (Assessment, error) {
	members, err := members(text)
	if err != nil {
		return Assessment{}, err
	}
	outcome, ok, err := word(members, "outcome", Allow, Deny)
	if err != nil {
		return Assessment{}, err
	}
	if !ok {
		return Assessment{}, errors.New(`"outcome" is missing; expected "allow" or "deny"`)
	}
	a := Assessment{Outcome: outcome, Risk: RiskHigh, Authorization: AuthUnknown, Rationale: stockDeny}
	if outcome == Allow {
		a.Risk, a.Rationale = RiskLow, stockAllow
	}
	if risk, ok, err := word(members, "risk_level", risks[:]...); err != nil {
		return Assessment{}, err
	} else if ok {
		a.Risk = risk
	}
	if auth, ok, err := word(members, "user_authorization", authorizations[:]...); err != nil {
		return Assessment{}, err
	} else if ok {
		a.Authorization = auth
	}
	said, _, err := stringMember(members, "rationale")
	if err != nil {
		return Assessment{}, err
	}
	if strings.TrimSpace(said) != "" {
		a.Rationale = said
	}
	return a, nil
}

// members reads one JSON object with exact, unique names: encoding/json alone would take
// "Outcome" for "outcome" and the last of two.
func members(text string) (map[string]json.RawMessage, error) {
	dec := json.NewDecoder(strings.NewReader(text))
	open, err := dec.Token()
	if err != nil {
		return nil, err
	}
	if open != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	found := map[string]json.RawMessage{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		name, _ := key.(string)
		if _, twice := found[name]; twice {
			return nil, fmt.Errorf("%q is given twice", name)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, err
		}
		found[name] = value
	}
	if _, err := dec.Token(); err != nil { // the closing brace
		return nil, err
	}
	if strings.TrimSpace(text[dec.InputOffset():]) != "" {
		return nil, errors.New("text after the JSON object")
	}
	return found, nil
}

func stringMember(members map[string]json.RawMessage, name string) (string, bool, error) {
	raw, ok := members[name]
	if !ok || string(raw) == "null" {
		return "", false, nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", false, fmt.Errorf("%q is not a string", name)
	}
	return s, true, nil
}

func word[T ~string](members map[string]json.RawMessage, name string, words ...T) (T, bool, error) {
	s, ok, err := stringMember(members, name)
	if err != nil || !ok {
		return "", false, err
	}
	if !slices.Contains(words, T(s)) {
		return "", false, fmt.Errorf("%q is %q; expected one of %q", name, clip(s, 40), words)
	}
	return T(s), true, nil
}
