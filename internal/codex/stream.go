package codex

import (
	"fmt"
	"regexp"
	"strconv"
	"sync"

	"proctor/event"
)

// stream reads the output of `codex exec --json`.
type stream struct{ *reports }

func (m *stream) line(o object) error {
	var err error
	kind := o.text("type", &err)
	if err != nil {
		return err
	}
	switch kind {
	case "thread.started":
		return m.threadStarted(o)
	case "turn.started":
		return m.beginTurn(fmt.Sprintf("turn-%d", m.sum.Turns+1), &event.TurnStartedPayload{})
	case "turn.completed":
		return m.turnCompleted(o)
	case "turn.failed":
		return m.turnFailed(o)
	case "item.started", "item.updated", "item.completed":
		return m.item(o, kind == "item.completed")
	case "error":
		return m.errorLine(o)
	case "":
		return fmt.Errorf("%w: no type", errShape)
	}
	count(m.sum.UnknownLines, kind)
	return nil
}

func (m *stream) threadStarted(o object) error {
	var err error
	thread := o.text("thread_id", &err)
	if err != nil {
		return err
	}
	if bad := event.CheckSession(thread + m.suffix); bad != nil {
		return fmt.Errorf("%w: %w", errShape, bad)
	}
	if m.sum.Thread != "" && m.sum.Thread != thread {
		return fmt.Errorf("%w: %s after %s", ErrTwoThreads, thread, m.sum.Thread)
	}
	// A process that resumes the thread prints it again, and counts its items anew.
	if m.sum.Thread != "" {
		if err := m.finish(); err != nil {
			return err
		}
		return m.send(draft{payload: &event.SessionResumedPayload{}})
	}
	m.begin(thread)
	m.at = threadTime(thread)
	return m.beginThread(&event.ConversationStartsPayload{})
}

// usageJSON is the sum over the whole thread.
type usageJSON struct {
	Input      int64 `json:"input_tokens"`
	Cached     int64 `json:"cached_input_tokens"`
	CacheWrite int64 `json:"cache_write_input_tokens"`
	Output     int64 `json:"output_tokens"`
	Reasoning  int64 `json:"reasoning_output_tokens"`
}

func (m *stream) turnCompleted(o object) error {
	var err error
	var u usageJSON
	o.get("usage", &u, &err)
	if err != nil {
		return err
	}
	return m.endTurn(&event.TurnCompletedPayload{Status: "completed", Thread: event.Usage(u)})
}

func (m *stream) turnFailed(o object) error {
	var err error
	failure := o.inner("error", &err)
	message := failure.text("message", &err)
	if err != nil {
		return err
	}
	return m.endTurn(&event.TurnCompletedPayload{Status: "failed", Error: m.secret(message)})
}

// retryLine is what the CLI prints for each new attempt.
var retryLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^Reconnecting\.\.\. (\d{1,6})/(\d{1,6})\b`) })

func (m *stream) errorLine(o object) error {
	var err error
	message := o.text("message", &err)
	if err != nil {
		return err
	}
	if f := retryLine().FindStringSubmatch(message); f != nil {
		attempt, _ := strconv.Atoi(f[1]) // at most six digits
		most, _ := strconv.Atoi(f[2])
		return m.send(draft{payload: &event.StreamRetryPayload{Attempt: attempt, Max: most, Message: m.secret(message)}})
	}
	return m.notice("error", "", message)
}
