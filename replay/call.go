package replay

import (
	"fmt"
	"strings"

	"proctor/event"
)

// maxDenials bounds the denials shown for one call.
const maxDenials = 20

// describeCall fills item from the events of one call, in their order.
func (g *group) describeCall(item *Item) {
	c := call{reviewer: exchange{}}
	for _, e := range g.entries {
		c.add(e)
	}
	c.finish()
	label := "call"
	if c.agent != "" {
		label = "look" // the reviewer's own
	}
	item.Label, item.Text, item.Result, item.Tone, item.Details = label, c.title(g.call), c.result, c.tone, c.details
}

// call collects what is shown of a call.
type call struct {
	tool     string
	asked    string   // one line
	body     []string // further lines of what was asked
	details  []Detail
	denials  int
	output   strings.Builder
	omitted  int64
	reviewer exchange // model requests of the reviewer for this call
	judged   bool     // an approval_decided tells what assessment repeats
	agent    string   // who called, empty for the session's model
	result   string
	tone     Tone
	told     string // what the model saw, when nothing was streamed

	assessment *event.GuardianAssessmentPayload
}

func (c *call) note(label, text string, tone Tone) {
	c.details = append(c.details, Detail{Label: label, Text: text, Tone: tone})
}

func (c *call) add(e event.Entry) {
	if ofModel(e.Kind) {
		c.reviewer.add(e)
		return
	}
	if e.Event == nil {
		c.note("unknown", string(e.Kind), Warn)
		return
	}
	switch p := e.Event.Payload.(type) {
	case *event.ToolDecisionPayload:
		c.decision(p)
	case *event.ApprovalRequestedPayload:
		c.ask(p.ToolName, reveal(p.Action))
		c.note("asked", join(", ", "approval by "+p.Reviewer, p.Reason, prefixed("rule ", p.Rule)), Plain)
	case *event.ApprovalDecidedPayload:
		c.approval(p)
	case *event.GuardianAssessmentPayload:
		c.assessment = p
	case *event.ExecStartedPayload:
		c.started(p)
	case *event.ExecInputPayload:
		c.note("typed", fmt.Sprintf("into process %d: %s", p.Process, reveal(p.Input)), Plain)
	case *event.ExecOutputPayload:
		if c.output.Len() < maxOutput {
			c.output.WriteString(reveal(p.Chunk))
		}
		c.omitted += p.Omitted
	case *event.SandboxDenialPayload:
		if c.denials++; c.denials <= maxDenials {
			c.note("denied", denialText(p), Bad)
		}
	case *event.NetworkPolicyDecisionPayload:
		text, tone := networkText(p)
		c.note("network", text, tone)
	case *event.NetworkClosedPayload:
		c.note("network", closedText(p), Plain)
	case *event.FileChangePayload:
		c.details = append(c.details, Detail{Label: "file", Text: fileText(p), Lines: lines(reveal(p.Diff))})
	case *event.ToolResultPayload:
		c.end(p)
	case *event.ReviewStartedPayload, *event.HistoryItemPayload, *event.SandboxOutcomePayload:
		// told by approval_decided, the call itself and the denials
	default:
		if r, ok := rowOf(p); ok {
			c.note(r.label, r.String(), r.tone)
			break
		}
		c.note("event", string(e.Kind)+"  "+fields(p), Dim)
	}
}

func (c *call) ask(tool, action string) {
	if c.tool == "" {
		c.tool = tool
	}
	if c.asked == "" && action != "" {
		c.asked, c.body = actionText(action)
	}
}

func (c *call) decision(p *event.ToolDecisionPayload) {
	c.ask(p.ToolName, reveal(p.Action))
	c.agent = p.Agent
	text, tone := decisionText(p)
	c.note("decision", text, tone)
	if message := reveal(p.Message); message != "" && p.Outcome != "allow" {
		c.note("told", message, Dim)
	}
}

func (c *call) approval(p *event.ApprovalDecidedPayload) {
	c.judged = true
	if c.reviewer.attempts > 0 {
		text, tone := c.reviewer.result()
		c.details = append(c.details, Detail{Label: "reviewer", Text: join(", ", c.reviewer.model, text), Tone: tone})
		c.details = append(c.details, c.reviewer.problems...)
		c.reviewer = exchange{}
		if c.assessment != nil {
			if text := conversationText(c.assessment); text != "" {
				c.note("", text, Dim)
			}
		}
	}
	text, tone := approvalText(p)
	c.note("review", text, tone)
	if why := reveal(p.Rationale); why != "" {
		c.note("rationale", why, Plain)
	}
}

func (c *call) started(p *event.ExecStartedPayload) {
	if c.asked == "" {
		c.tool = p.ToolName
		c.asked = commandText(reveal(p.Argv))
	}
	if p.Escalated {
		c.note("sandbox", "none: runs outside the sandbox, as approved", Warn)
		return
	}
	c.note("sandbox", join(", ", p.Backend, p.Mode, prefixed("network ", p.Network)), Plain)
}

func (c *call) end(p *event.ToolResultPayload) {
	c.ask(p.ToolName, "")
	if c.asked == "" {
		c.asked = reveal(p.Arguments)
	}
	c.told = reveal(p.Output)
	c.tone = statusTone(p.Status)
	parts := []string{exitText(p)}
	if p.Status != "completed" || p.ExitCode == nil {
		parts = []string{p.Status, exitText(p)}
	}
	if p.ExitCode != nil && *p.ExitCode != 0 {
		c.tone = Bad
	}
	if p.Denials > 0 {
		parts = append(parts, count(int64(p.Denials), "denial"))
	}
	if p.OutputTruncated {
		parts = append(parts, "output cut")
	}
	c.result = join(", ", append(parts, took(p.Duration))...)
}

func exitText(p *event.ToolResultPayload) string {
	if p.ExitCode == nil {
		return ""
	}
	return fmt.Sprintf("exit %d", *p.ExitCode)
}

// maxOutput bounds the output kept for showing, in bytes.
const maxOutput = 256 << 10

func (c *call) finish() {
	if c.denials > maxDenials {
		c.note("denied", fmt.Sprintf("… %d more", c.denials-maxDenials), Bad)
	}
	if p := c.assessment; p != nil && !c.judged {
		c.note("review", join(", ", p.Status, prefixed("risk ", p.RiskLevel), prefixed("user authorization ", p.UserAuthorization)), statusTone(p.Status))
	}
	text, label := c.output.String(), "output"
	if text == "" {
		text, label = c.told, "answer"
	}
	if shown := lines(text); len(shown) > 0 {
		c.details = append(c.details, Detail{Label: label, Lines: shown})
	}
	if c.omitted > 0 {
		c.note("", fmt.Sprintf("… %s of output were not kept", count(c.omitted, "byte")), Dim)
	}
	if c.result == "" {
		c.result, c.tone = "no result recorded", Warn
	}
	if len(c.body) > 0 {
		c.details = append([]Detail{{Lines: c.body}}, c.details...)
	}
}

func (c *call) title(id string) string { return join("  ", c.tool, c.asked, "["+id+"]") }
