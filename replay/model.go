package replay

import (
	"fmt"

	"proctor/event"
)

// exchange sums up model requests: attempts, failures, tokens.
type exchange struct {
	attempts, events int
	model, effort    string
	duration         int64 // of the heads and the finished streams, ms
	tokens           event.Usage
	known, completed bool
	problems         []Detail
}

func (x *exchange) add(e event.Entry) {
	if e.Event == nil {
		return
	}
	switch p := e.Event.Payload.(type) {
	case *event.APIRequestPayload:
		x.attempts++
		x.duration += p.Duration
		x.model = p.Model
		if p.Error != "" {
			x.problem(fmt.Sprintf("attempt %d", x.attempts), join(", ", p.Error, prefixed("status ", nonZero(p.Status)), p.AuthError), Bad)
		}
	case *event.SSEEventPayload:
		x.addStream(p)
	case *event.StreamRetryPayload:
		x.problem("retry", fmt.Sprintf("%d of %d after %s: %s", p.Attempt, p.Max, took(p.Delay), reveal(p.Message)), Warn)
	case *event.AuthRecoveryPayload:
		x.problem("sign-in", join(", ", p.Mode, p.Step, p.Outcome, p.Error), Warn)
	case *event.WebsocketConnectPayload:
		x.attempts++
		if !p.Success {
			x.problem("connect", join(", ", p.Error, prefixed("status ", nonZero(p.Status))), Bad)
		}
	case *event.WebsocketEventPayload:
		x.events++
	}
}

func (x *exchange) addStream(p *event.SSEEventPayload) {
	if p.Error != "" {
		x.problem("stream", join(": ", p.EventKind, p.Error), Bad)
		return
	}
	if p.InputTokens != nil { // the record with the counts repeats an event
		x.known, x.completed = true, true
		x.tokens.Input += value(p.InputTokens)
		x.tokens.Cached += value(p.CachedTokens)
		x.tokens.Output += value(p.OutputTokens)
		x.tokens.Reasoning += value(p.ReasoningTokens)
		x.effort = p.ReasoningEffort
		return
	}
	x.events++
	x.completed = x.completed || p.EventKind == "response.completed"
}

func (x *exchange) problem(label, text string, tone Tone) {
	x.problems = append(x.problems, Detail{Label: label, Text: text, Tone: tone})
}

// result is how the exchange ended, in a few words.
func (x *exchange) result() (string, Tone) {
	tokens := ""
	if x.known {
		tokens = usage(x.tokens)
	}
	text := join(", ", count(int64(x.attempts), "attempt"), count(int64(x.events), "stream event"), tokens)
	switch {
	case !x.completed:
		return "no answer, " + text, Bad
	case len(x.problems) > 0:
		return text, Warn
	}
	return text, Plain
}

func (g *group) describeModel(item *Item) {
	var x exchange
	for _, e := range g.entries {
		x.add(e)
	}
	item.Label, item.Text = "model", join("", x.model, effort(x.effort))
	if item.Text == "" {
		item.Text = "request"
	}
	item.Result, item.Tone = x.result()
	item.Details = x.problems
}

func value(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

func nonZero(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}
