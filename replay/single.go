package replay

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"proctor/event"
)

// sessionFacts are the heads of a session; nil when the group is none.
func sessionFacts(g *group) []Detail {
	if len(g.entries) != 1 || g.entries[0].Event == nil {
		return nil
	}
	switch p := g.entries[0].Event.Payload.(type) {
	case *event.ConversationStartsPayload:
		return []Detail{
			{Label: "model", Text: p.Model + " at " + p.ProviderName + effort(p.ReasoningEffort)},
			{Label: "folder", Text: reveal(p.Cwd)},
			{Label: "approval", Text: join(", ", p.ApprovalPolicy, prefixed("reviewer ", p.Reviewer), prefixed("sandbox ", p.SandboxPolicy))},
			{Label: "program", Text: join(", ", p.Originator+" "+p.AppVersion, prefixed("host ", p.Host))},
		}
	case *event.PolicyLoadedPayload:
		return []Detail{{Label: "policy", Text: join(", ", short(p.Digest), prefixed("confined by ", p.Backend), prefixed("network ", p.Network), count(int64(p.Rules), "rule"))}}
	case *event.ConfigResolvedPayload:
		d := []Detail{{Label: "config", Text: count(int64(p.Count), "setting")}}
		for _, w := range p.Warnings {
			d = append(d, Detail{Label: "warning", Text: w, Tone: Warn})
		}
		return d
	}
	return nil
}

// describeSingle fills item from an entry that stands alone; false when there is nothing to show.
func describeSingle(item *Item, e event.Entry) bool {
	if e.Event == nil {
		item.Label, item.Text, item.Tone = "unknown", string(e.Kind), Warn
		item.Result = "written by another version of proctor"
		return true
	}
	switch p := e.Event.Payload.(type) {
	case *event.UserPromptPayload:
		item.Label = "prompt"
		item.head(reveal(p.Prompt))
	case *event.AgentResponsePayload:
		item.Label = "message"
		item.head(reveal(p.Response))
	case *event.TurnCompletedPayload:
		item.Label, item.Text = "end", "turn "+p.Status
		item.Result, item.Tone = join(", ", took(p.Duration), count(int64(p.Requests), "request"), count(int64(p.Calls), "call"), usage(p.Usage)), statusTone(p.Status)
		if text := reveal(p.Error); text != "" {
			item.Details = append(item.Details, Detail{Label: "error", Text: text, Tone: Bad})
		}
	case *event.SessionClosedPayload:
		item.Label, item.Text, item.Tone = "closed", "session "+p.Reason, statusTone(p.Reason)
		item.Result = count(int64(p.Events), "event")
		if len(p.OpenCalls) > 0 {
			item.Details = append(item.Details, Detail{Label: "open calls", Text: strings.Join(p.OpenCalls, " "), Tone: Warn})
		}
	case *event.SessionResumedPayload:
		item.Label, item.Text = "resumed", fmt.Sprintf("after event %d, by %s", p.After, p.Version)
		if len(p.Interrupted) > 0 {
			item.Details = append(item.Details, Detail{Label: "interrupted", Text: strings.Join(p.Interrupted, " "), Tone: Warn})
		}
	case *event.NetworkPolicyDecisionPayload:
		item.Label = "network"
		item.Text, item.Tone = networkText(p)
	case *event.SandboxDenialPayload:
		item.Label, item.Text, item.Tone = "denied", denialText(p), Bad
	case *event.FileChangePayload:
		item.Label, item.Text = "file", fileText(p)
	case *event.ExportGapPayload:
		item.Label, item.Tone = "export gap", Warn
		item.Text = fmt.Sprintf("%s %s: entries %d to %d, %s", p.Destination, p.Signal, p.From, p.To, join(" ", p.Reason, p.Message))
	case *event.TurnStartedPayload, *event.HistoryItemPayload, *event.StartupPhasePayload, *event.CheckpointPayload, *event.SessionHeartbeatPayload:
		return false // told by others, or of no interest to people
	default:
		if idle(p) {
			return false
		}
		if r, ok := rowOf(p); ok {
			item.Label, item.Text, item.Result, item.Tone = r.label, r.text, r.result, r.tone
			break
		}
		item.Label, item.Text = "event", string(e.Kind)+"  "+fields(e.Event.Payload)
	}
	return true
}

// head puts the first line of a text into the item and the rest below it.
func (i *Item) head(text string) {
	all := lines(text)
	if len(all) == 0 {
		return
	}
	i.Text = all[0]
	if len(all) > 1 {
		i.Details = append(i.Details, Detail{Lines: all[1:]})
	}
}

func statusTone(status string) Tone {
	switch status {
	case "completed", "approved":
		return Good
	case "interrupted", "recovered", "running", "timed_out":
		return Warn
	}
	return Bad
}

func usage(u event.Usage) string {
	if u == (event.Usage{}) {
		return ""
	}
	return fmt.Sprintf("%d tokens in (%d cached), %d out", u.Input, u.Cached, u.Output)
}

func took(ms int64) string {
	const most = math.MaxInt64 / int64(time.Millisecond)
	return span(time.Duration(max(-most, min(ms, most))) * time.Millisecond)
}

// span prints a duration the way people say it.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + span(-max(d, -math.MaxInt64)) // a recorded clock may say anything
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
}

func count(n int64, noun string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(noun, "y"):
		noun = strings.TrimSuffix(noun, "y") + "ies"
	default:
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// short is the beginning of a digest.
func short(digest string) string { return digest[:min(len(digest), 12)] }

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

func effort(e string) string { return prefixed(", effort ", e) }

// join joins the texts that are not empty.
func join(sep string, texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), sep)
}
