package codex

import (
	"fmt"
	"strings"
	"time"

	"proctor/event"
)

// rollout reads a rollout file.
type rollout struct {
	*reports
	last, thread usageJSON // tokens of the turn and of the thread, as last told
}

// quiet are lines that are known, and say nothing that another line or the reports of others do not.
var quiet = map[string]bool{"world_state": true, "compacted": true, "event_msg/thread_settings_applied": true, "event_msg/agent_message": true, "event_msg/user_message": true, "event_msg/agent_reasoning": true}

func (m *rollout) line(o object) error {
	var err error
	kind := o.text("type", &err)
	p := o.inner("payload", &err)
	at, bad := time.Parse(time.RFC3339Nano, o.text("timestamp", &err))
	switch {
	case err != nil:
		return err
	case bad != nil || at.Year() < 1970 || at.Year() > 9999:
		return fmt.Errorf("%w: timestamp", errShape)
	}
	m.at = at
	switch kind {
	case "session_meta":
		return m.sessionMeta(p)
	case "turn_context":
		return m.turnContext(p)
	case "response_item":
		return m.responseItem(p)
	case "token_usage_record":
		p.get("turn_token_usage", &m.last, &err)
		p.get("thread_token_usage", &m.thread, &err)
		return err
	case "event_msg":
		return m.message(p)
	}
	if !quiet[kind] {
		count(m.sum.UnknownLines, kind)
	}
	return nil
}

// sessionMeta begins the thread. A fork repeats that of its parent behind its own.
func (m *rollout) sessionMeta(p object) error {
	var err error
	thread := p.text("id", &err)
	start := event.ConversationStartsPayload{
		AppVersion: clipLabel(p.text("cli_version", &err)), ProviderName: clipLabel(p.text("model_provider", &err)), Cwd: m.path(p.text("cwd", &err)),
		Git: len(p.fields["git"]) > 0 && string(p.fields["git"]) != "null",
	}
	if err != nil {
		return err
	}
	if bad := event.CheckSession(thread + m.suffix); bad != nil {
		return fmt.Errorf("%w: %w", errShape, bad)
	}
	if m.sum.Thread != "" {
		return nil
	}
	m.begin(thread)
	return m.beginThread(&start)
}

// turnContext tells the settings of a turn.
func (m *rollout) turnContext(p object) error {
	var settings []event.Setting
	for _, key := range []string{"model", "effort", "approval_policy", "approvals_reviewer", "cwd", "sandbox_policy", "permission_profile"} {
		value := string(p.fields[key])
		if value == "" || value == "null" {
			continue
		}
		var s string
		var err error
		if p.get(key, &s, &err); err == nil {
			value = s
		}
		value, _ = m.cut(value, maxArguments/8)
		settings = append(settings, event.Setting{Key: key, Value: value, Layer: m.source})
	}
	return m.send(draft{payload: &event.ConfigResolvedPayload{Settings: event.SecretJSON(settings), Count: len(settings)}})
}

// message reads an event_msg.
func (m *rollout) message(p object) error {
	var err error
	kind := p.text("type", &err)
	if err != nil {
		return err
	}
	switch kind {
	case "task_started", "turn_started":
		id := clipLabel(p.text("turn_id", &err))
		if err != nil {
			return err
		}
		m.last = usageJSON{}
		return m.beginTurn(id, &event.TurnStartedPayload{})
	case "task_complete", "turn_complete":
		return m.taskComplete(p)
	case "turn_aborted":
		return m.endTurn(&event.TurnCompletedPayload{Status: "interrupted", Usage: event.Usage(m.last), Thread: event.Usage(m.thread)})
	case "item_completed":
		return m.item(p.inner("item", &err), &err)
	case "token_count":
		info := p.inner("info", &err)
		info.get("total_token_usage", &m.thread, &err)
		return err
	case "error":
		text := p.text("message", &err)
		if err != nil {
			return err
		}
		return m.notice("error", "", text)
	}
	if name := "event_msg/" + kind; !quiet[name] {
		count(m.sum.UnknownLines, name)
	}
	return nil
}

func (m *rollout) taskComplete(p object) error {
	var err error
	end := event.TurnCompletedPayload{Status: "completed", Usage: event.Usage(m.last), Thread: event.Usage(m.thread)}
	p.get("duration_ms", &end.Duration, &err)
	end.LastMessage = m.secret(p.text("last_agent_message", &err))
	if failure := p.inner("error", &err); len(failure.fields) > 0 {
		end.Status, end.Error = "failed", m.secret(failure.text("message", &err))
	}
	if err != nil {
		return err
	}
	return m.endTurn(&end)
}

func (m *rollout) path(s string) event.Sensitive {
	s, _ = m.cut(s, maxPath)
	return event.Secret(s)
}

// texts joins the parts of a message.
func texts(o object, name string, err *error) string {
	var parts []struct {
		Text string `json:"text"`
	}
	o.get(name, &parts, err)
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Text)
	}
	return b.String()
}
