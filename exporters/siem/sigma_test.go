package siem_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"proctor/event"
	"proctor/exporters/siem"
	"proctor/internal/redact"
)

// selection is one block below detection: fields, of which each must have one of its values.
type selection map[string][]string

// sigmaRule is what the sample rules use of Sigma.
type sigmaRule struct {
	selections map[string]selection
	condition  string
}

// readSigma reads the first document of a rule: blocks of "field: value" and of "field:" with a list, by their indentation.
func readSigma(t *testing.T, path string) sigmaRule {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(data), "\n---")
	_, detection, ok := strings.Cut(text, "\ndetection:\n")
	if !ok {
		t.Fatalf("%s has no detection", path)
	}
	r := sigmaRule{selections: map[string]selection{}}
	block, field := "", ""
	for line := range strings.Lines(detection) {
		line = strings.TrimRight(line, "\n")
		indent := len(line) - len(strings.TrimLeft(line, " "))
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch {
		case indent == 0 && line != "":
			return r
		case indent == 2 && key == "condition":
			r.condition = value
		case indent == 2:
			block = strings.TrimSuffix(key, ":")
			r.selections[block] = selection{}
		case indent == 4:
			field = strings.TrimSuffix(key, ":")
			r.selections[block][field] = nil
			if value != "" {
				r.selections[block][field] = []string{value}
			}
		case indent == 6:
			r.selections[block][field] = append(r.selections[block][field], strings.TrimPrefix(strings.TrimSpace(line), "- "))
		}
	}
	return r
}

func (s selection) matches(e map[string]any) bool {
	for field, values := range s {
		name, modifier, _ := strings.Cut(field, "|")
		got, any := fmt.Sprint(member(e, name)), false
		for _, want := range values {
			switch modifier {
			case "contains":
				any = any || strings.Contains(got, want)
			case "startswith":
				any = any || strings.HasPrefix(got, want)
			case "endswith":
				any = any || strings.HasSuffix(got, want)
			default:
				any = any || got == want
			}
		}
		if !any {
			return false
		}
	}
	return true
}

// matches evaluates conditions of the forms "a", "a or b" and "a and not b".
func (r sigmaRule) matches(e map[string]any) bool {
	a, rest, _ := strings.Cut(r.condition, " ")
	first := r.selections[a].matches(e)
	switch {
	case rest == "":
		return first
	case strings.HasPrefix(rest, "or "):
		return first || r.selections[strings.TrimPrefix(rest, "or ")].matches(e)
	default:
		return first && !r.selections[strings.TrimPrefix(rest, "and not ")].matches(e)
	}
}

func member(v any, path string) any {
	for name, rest, more := strings.Cut(path, "."); ; name, rest, more = strings.Cut(rest, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		if v = m[name]; !more {
			return v
		}
	}
}

func TestSampleSigmaRules(t *testing.T) {
	t.Parallel()
	network := func(decision, host string) event.Payload {
		return &event.NetworkPolicyDecisionPayload{Decision: decision, Host: host, Port: 443, Protocol: "https"}
	}
	cases := map[string]struct{ hits, misses []event.Payload }{
		"bypass_flags": {
			[]event.Payload{&event.ConversationStartsPayload{SandboxPolicy: "danger-full-access"}, &event.ExecStartedPayload{Escalated: true}},
			[]event.Payload{&event.ConversationStartsPayload{SandboxPolicy: "workspace-write"}, &event.ExecStartedPayload{}},
		},
		"denied_then_retried": {
			[]event.Payload{&event.ToolDecisionPayload{Outcome: "forbid"}},
			[]event.Payload{&event.ToolDecisionPayload{Outcome: "allow"}, &event.ToolResultPayload{Status: "refused"}},
		},
		"reviewer_approved_high_risk": {
			[]event.Payload{&event.ApprovalDecidedPayload{Status: event.Approved, Reviewer: "auto_review:gpt", RiskLevel: "high"}},
			[]event.Payload{
				&event.ApprovalDecidedPayload{Status: event.Approved, Reviewer: "user:ann", RiskLevel: "high"},
				&event.ApprovalDecidedPayload{Status: event.Denied, Reviewer: "auto_review:gpt", RiskLevel: "critical"},
				&event.ApprovalDecidedPayload{Status: event.Approved, Reviewer: "auto_review:gpt", RiskLevel: "low"},
			},
		},
		"credential_paths": {
			[]event.Payload{&event.SandboxDenialPayload{Path: "/home/a/.ssh/id_ed25519"}, &event.ExecStartedPayload{Argv: event.SecretJSON([]string{"cat", "/home/a/.aws/credentials"})}},
			[]event.Payload{&event.SandboxDenialPayload{Path: "/usr/lib/x"}, &event.ExecStartedPayload{Argv: event.SecretJSON([]string{"ls", "-la"})}},
		},
		"first_seen_host": {
			[]event.Payload{network("allow", "paste.example.net")},
			[]event.Payload{network("deny", "paste.example.net"), network("allow", "registry.npmjs.org"), network("allow", "github.com")},
		},
		"log_gap": {
			[]event.Payload{&event.ExportGapPayload{Reason: "rejected"}, &event.ExportGapPayload{Reason: "unreachable"}},
			[]event.Payload{&event.ExportGapPayload{Reason: "recovered"}},
		},
	}
	files, _ := filepath.Glob("../../deploy/sigma/*.yml")
	if len(files) != len(cases) {
		t.Errorf("%d rules, %d cases", len(files), len(cases))
	}
	policy := redact.New(redact.Options{})
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yml")
		rule := readSigma(t, file)
		for i, payload := range append(cases[name].hits, cases[name].misses...) {
			about, _ := event.Lookup(payload.Kind())
			e := &event.Event{ID: event.NewID(), Kind: payload.Kind(), Schema: about.Schema, Session: "s", Time: time.Unix(0, 0), Actor: event.System, Payload: payload}
			line, err := siem.Map(siem.ECS, event.Entry{Kind: e.Kind, Session: e.Session, Event: e}, policy)
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]any
			if err := json.Unmarshal(line, &got); err != nil {
				t.Fatal(err)
			}
			if hit := i < len(cases[name].hits); rule.matches(got) != hit {
				t.Errorf("%s: match is %v for %s", name, !hit, line)
			}
		}
	}
}

func TestSampleConfigurationsAreJSON(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"../../deploy/elastic/pipeline.json", "../../deploy/grafana/proctor.json"} {
		data, err := os.ReadFile(file)
		if err != nil || !json.Valid(data) {
			t.Errorf("%s: %v", file, err)
		}
	}
}
