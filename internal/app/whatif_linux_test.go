package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"syscall"
	"testing"

	"proctor/event"
	"proctor/executor/approval"
	"proctor/policy"
	"proctor/policy/execrules"
	"proctor/policy/filesystem"
	"proctor/replay"
)

// decisions are n recorded decisions of one session, with distinct commands and patches, as JSON as they lie in the ledger.
func decisions(b *testing.B, a approval.Authority, n int) []event.Entry {
	b.Helper()
	out := make([]event.Entry, n)
	for i := range out {
		action := event.Action{Kind: event.ActionCommand, Tool: "exec_command", Cwd: "/w", Permissions: event.UseDefault, EnvNames: []string{"HOME", "PATH"}}
		switch i % 4 {
		case 0:
			action.Argv = []string{"/bin/bash", "-c", fmt.Sprintf("go test ./pkg%d/... && git status --short", i)}
		case 1:
			action.Argv = []string{"/bin/bash", "-c", fmt.Sprintf("sed -n 1,%dp main.go", i)}
		case 2:
			action.Argv = []string{"git", "commit", "-m", fmt.Sprint(i)}
		default:
			action = event.Action{Kind: event.ActionPatch, Tool: "apply_patch", Files: []string{fmt.Sprintf("/w/file%d.go", i)}, Patch: "*** Begin Patch\n*** End Patch"}
		}
		facts := approval.Facts(a, approval.Request{Action: action})
		d := policy.Decide(facts)
		out[i] = event.Entry{Receipt: event.Receipt{Seq: event.Seq(i)}, Session: "s", Event: &event.Event{Session: "s", Payload: &event.ToolDecisionPayload{
			ToolName: action.Tool, Outcome: string(d.Outcome), Reason: string(d.Reason), DecidedBy: string(d.Source), Digest: action.Digest(),
			Facts: event.SecretJSON(facts), Action: event.SecretJSON(action),
		}}}
	}
	return out
}

func whatIfAuthority(b *testing.B, rules string) approval.Authority {
	b.Helper()
	parsed, err := execrules.Parse([]execrules.File{{Name: "bench.rules", Text: rules}})
	if err != nil {
		b.Fatal(err)
	}
	return approval.Authority{
		Approval: policy.ApprovalPolicy{Mode: policy.OnRequest}, Sandbox: policy.WorkspaceWrite, Headless: true, Rules: parsed,
		Plan: filesystem.Plan{Mode: filesystem.WorkspaceWrite, ReadAll: true, Network: filesystem.NetworkOff,
			Writable: []filesystem.Root{{Path: "/w", Kind: filesystem.Dir}}},
	}
}

// BenchmarkWhatIf decides 100,000 recorded decisions again, under a rule more: "whole" reads the recorded JSON, "decide"
// leaves that out. In "distinct" no command comes twice, in "repeated" there are 2,000 of them. CPU time, as the machine may be busy.
func BenchmarkWhatIf(b *testing.B) {
	const n = 100_000
	for name, different := range map[string]int{"distinct": n, "repeated": 2000} {
		some := decisions(b, whatIfAuthority(b, ""), different)
		a := whatIfAuthority(b, `prefix_rule(pattern = ["git", "commit"], decision = "forbidden")`)
		again := func(action event.Action, was policy.Facts) (policy.Facts, error) {
			return factsAgain(a, nil, true, a.Plan, action, was)
		}
		b.Run(name+"/whole", func(b *testing.B) {
			began := cpu(b)
			for b.Loop() {
				w := replay.NewWhatIf(func(replay.Past) (replay.Authority, error) { return again, nil }, func(replay.Redecided) {})
				for i := range n {
					w.Add(some[i%different])
				}
				if s := w.Summary(); s.Flips != n/4 || s.Unknown != 0 {
					b.Fatalf("got %+v", s)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/(cpu(b)-began), "decisions/cpu-s")
		})
		b.Run(name+"/decide", func(b *testing.B) {
			actions, facts := make([]event.Action, different), make([]policy.Facts, different)
			for i, e := range some {
				actions[i], facts[i] = recordedFacts(b, e)
			}
			began := cpu(b)
			for b.Loop() {
				for i := range n {
					f, err := again(actions[i%different], facts[i%different])
					if err != nil {
						b.Fatal(err)
					}
					_ = policy.Decide(f)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/(cpu(b)-began), "decisions/cpu-s")
		})
	}
}

// cpu is what this process has used, in seconds.
func cpu(b *testing.B) float64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

func recordedFacts(b *testing.B, e event.Entry) (a event.Action, f policy.Facts) {
	b.Helper()
	p := e.Event.Payload.(*event.ToolDecisionPayload)
	action, _ := p.Action.Reveal()
	facts, _ := p.Facts.Reveal()
	if err := errors.Join(json.Unmarshal([]byte(action), &a), json.Unmarshal([]byte(facts), &f)); err != nil {
		b.Fatal(err)
	}
	return a, f
}
