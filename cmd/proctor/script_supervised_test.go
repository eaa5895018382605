package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdSupervised checks the laws of a recorded session over `proctor replay --json`:
//
//   - session numbers are dense and global ones grow;
//   - every proctor.exec_started names an earlier codex.tool_decision of the same call with outcome allow and the same digest;
//   - every codex.tool_result that ran names an earlier exec_started of its call, and repeats its digest;
//   - every call the model made has a decision, and every decision and every start has a result;
//   - every codex.tool_decision, also of a call that was refused unseen, has facts, reason code and policy digest;
//   - every proctor.approval_requested has exactly one proctor.approval_decided after it;
//   - no decision flips under the configuration as it stands now, which is the one it was made under;
//   - the last event is proctor.session_closed, and its counts are those of the events since the session was opened last.
func cmdSupervised(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 1, "supervised REPLAY.jsonl")
	var events []recorded
	for _, o := range jsonLines(ts, args[0]) {
		var e recorded
		ts.Check(json.Unmarshal([]byte(textOf(o)), &e))
		events = append(events, e)
	}
	if len(events) == 0 {
		ts.Fatalf("%s has no event", args[0])
	}
	for _, problem := range check(events) {
		ts.Fatalf("%s: %s", args[0], problem)
	}
	if flips := whatIfNothingChanged(ts, events[0].Session); flips != "" {
		ts.Fatalf("%s: decisions flip under the same configuration:\n%s", args[0], flips)
	}
}

// whatIfNothingChanged decides the session again under the script's own configuration and returns what flips.
func whatIfNothingChanged(ts *testscript.TestScript, session string) string {
	if _, err := os.Stat(filepath.Join(ts.Getenv("PROCTOR_HOME"), "ledger")); err != nil {
		return "" // the record lies elsewhere
	}
	path, err := exec.LookPath("proctor")
	ts.Check(err)
	c := exec.Command(path, "replay", session, "--what-if", ts.Getenv("CODEX_HOME"), "--json")
	c.Args[0], c.Dir, c.Env = "proctor", ts.MkAbs("."), environ(ts)
	out, err := c.CombinedOutput()
	if err != nil {
		return string(out)
	}
	return ""
}

type recorded struct {
	Seq     uint64 `json:"seq"`
	Number  uint64 `json:"session_seq"`
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	Session string `json:"session"`
	Call    string `json:"call"`
	Cause   string `json:"cause"`
	Payload struct {
		Digest   string         `json:"action_digest"`
		Approval string         `json:"approval_id"`
		Outcome  string         `json:"outcome"`
		Reason   string         `json:"reason"`
		Policy   string         `json:"policy_digest"`
		Facts    any            `json:"facts"`
		Decision string         `json:"decision"`
		Status   string         `json:"status"`
		ItemType string         `json:"item_type"`
		Events   uint64         `json:"events"`
		Counts   map[string]int `json:"counts"`
	} `json:"payload"`
}

type calls struct {
	decisions, starts          map[string]recorded // by event id
	approvals                  map[string]int      // answers by approval id
	asked, decided, begun, had []string            // call ids
	problems                   []string
}

func (c *calls) bad(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

func check(events []recorded) []string {
	c := &calls{decisions: map[string]recorded{}, starts: map[string]recorded{}, approvals: map[string]int{}}
	counts := map[string]int{}
	for i, e := range events {
		if e.Number != uint64(i)+1 {
			c.bad("event %d has the number %d", i+1, e.Number)
		}
		if i > 0 && e.Seq <= events[i-1].Seq {
			c.bad("event %d has the global number %d after %d", e.Number, e.Seq, events[i-1].Seq)
		}
		c.event(e)
		if e.Kind == "proctor.session_closed" {
			if fmt.Sprint(e.Payload.Counts) != fmt.Sprint(counts) || e.Payload.Events != e.Number {
				c.bad("session_closed counts %v and is event %d; the events are %v and this is %d", e.Payload.Counts, e.Payload.Events, counts, e.Number)
			}
			clear(counts)
			continue
		}
		counts[e.Kind]++
	}
	if last := events[len(events)-1]; last.Kind != "proctor.session_closed" {
		c.bad("the last event is %s", last.Kind)
	}
	missing := func(what string, of, in []string) {
		for _, id := range of {
			if !slices.Contains(in, id) {
				c.bad("call %s has no %s", id, what)
			}
		}
	}
	for id, n := range c.approvals {
		if n != 1 {
			c.bad("approval %s has %d answers", id, n)
		}
	}
	missing("decision", c.asked, c.decided)
	missing("result", c.decided, c.had)
	missing("result", c.begun, c.had)
	return c.problems
}

func (c *calls) event(e recorded) {
	switch e.Kind {
	case "proctor.history_item":
		if t := e.Payload.ItemType; t == "function_call" || t == "custom_tool_call" {
			c.asked = append(c.asked, e.Call)
		}
	case "proctor.approval_requested":
		c.approvals[e.Payload.Approval] = 0
	case "proctor.approval_decided":
		if _, asked := c.approvals[e.Payload.Approval]; !asked {
			c.bad("approval %s was answered and not asked for", e.Payload.Approval)
		}
		c.approvals[e.Payload.Approval]++
	case "codex.tool_decision":
		c.decisions[e.ID] = e
		c.decided = append(c.decided, e.Call)
		if e.Payload.Reason == "" || e.Payload.Policy == "" || e.Payload.Facts == nil {
			c.bad("the decision of call %s lacks facts, reason or policy digest", e.Call)
		}
	case "proctor.exec_started":
		c.starts[e.ID] = e
		c.begun = append(c.begun, e.Call)
		d, ok := c.decisions[e.Payload.Decision]
		if !ok || d.Payload.Outcome != "allow" || d.Payload.Digest != e.Payload.Digest || d.Call != e.Call || d.Payload.Digest == "" {
			c.bad("call %s started without an earlier decision that allows its digest %s", e.Call, e.Payload.Digest)
		}
	case "codex.tool_result":
		c.had = append(c.had, e.Call)
		if e.Payload.Status == "refused" {
			return
		}
		s, ok := c.starts[e.Cause]
		if !ok || s.Call != e.Call || s.Payload.Digest != e.Payload.Digest {
			c.bad("the result of call %s does not belong to a recorded start with its digest", e.Call)
		}
	}
}
