package app

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"proctor/event"
	"proctor/executor"
	"proctor/internal/cli"
)

// maxCodexItem bounds an item of the app-server in the record, in bytes; of a longer one its end is cut off.
const maxCodexItem = 512 << 10

// begin records who asked.
func (r *codexRun) begin(ctx context.Context) error {
	r.turn.began = time.Now()
	return r.session.Stream.PublishAnyway(ctx, event.Draft{Actor: event.User, Payload: &event.UserPromptPayload{
		Length: len([]rune(r.opts.Prompt)), Prompt: event.Secret(r.opts.Prompt),
	}})
}

// told takes what the app-server tells. It runs in order, in one goroutine.
func (r *codexRun) told(method string, params json.RawMessage) {
	var p struct {
		ThreadID, TurnID string
		Item             json.RawMessage
		Turn             struct {
			ID, Status string
			Error      *struct{ Message string }
		}
		TokenUsage struct {
			Total struct{ InputTokens, CachedInputTokens, CacheWriteInputTokens, OutputTokens, ReasoningOutputTokens int64 }
		}
		ReviewID, TargetItemID string
		Review                 struct{ Status, RiskLevel, UserAuthorization, Rationale string }
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if json.Unmarshal(params, &p) != nil || p.ThreadID == "" || p.ThreadID != r.thread {
		return
	}
	switch method {
	case "turn/started":
		r.turn.id = p.Turn.ID
		r.tell(&event.TurnStartedPayload{Model: r.cfg.Model, Effort: r.cfg.ModelReasoningEffort})
	case "item/started", "item/completed":
		r.item(method, p.Item)
	case "thread/tokenUsage/updated":
		u := p.TokenUsage.Total
		r.turn.usage = event.Usage{Input: u.InputTokens, Cached: u.CachedInputTokens, CacheWrite: u.CacheWriteInputTokens, Output: u.OutputTokens, Reasoning: u.ReasoningOutputTokens}
	case "item/autoApprovalReview/completed":
		r.tell(&event.GuardianAssessmentPayload{
			ReviewID: p.ReviewID, TurnID: p.TurnID, ItemID: p.TargetItemID, Status: p.Review.Status, RiskLevel: p.Review.RiskLevel,
			UserAuthorization: p.Review.UserAuthorization, Rationale: event.Secret(p.Review.Rationale), RationaleLength: len(p.Review.Rationale),
		})
	case "turn/completed":
		r.turn.status = p.Turn.Status
		if p.Turn.Error != nil {
			r.turn.problem = p.Turn.Error.Message
		}
		if !r.over {
			r.over = true
			close(r.done)
		}
	default:
		return
	}
	if r.opts.JSON {
		_, _ = fmt.Fprintf(r.out, "{\"method\":%q,\"params\":%s}\n", method, params)
	}
}

// tell records what Codex says. It is called with the lock held. A record that is lost ends the run through the store.
func (r *codexRun) tell(p event.Payload) {
	_ = r.session.Stream.PublishAnyway(context.Background(), event.Draft{Turn: r.turn.id, Actor: event.Model, Payload: p})
}

func (r *codexRun) item(method string, raw json.RawMessage) {
	var i codexItem
	if json.Unmarshal(raw, &i) != nil {
		return
	}
	if method == "item/started" {
		return
	}
	text := string(raw)
	if len(text) > maxCodexItem {
		text = text[:maxCodexItem]
	}
	r.tell(&event.HistoryItemPayload{ItemType: shorten(i.Type, 64), Item: event.Secret(text)})
	switch i.Type {
	case "agentMessage":
		r.turn.last = i.Text
		r.tell(&event.AgentResponsePayload{AgentType: "main", TurnID: r.turn.id, ItemID: shorten(i.ID, 128), Response: event.Secret(i.Text), Length: len(i.Text), Phase: shorten(i.Phase, 64)})
	case "commandExecution", "fileChange", "mcpToolCall":
		r.turn.calls++
	}
}

// endTurn records the end of the turn, whatever it was, and turns it into the end of the command.
func (r *codexRun) endTurn(ctx context.Context, failure error) error {
	r.mu.Lock()
	t := r.turn
	if failure != nil {
		t.problem = failure.Error()
	}
	switch {
	case ctx.Err() != nil:
		t.status = executor.Interrupted
	case failure != nil || t.status == "":
		t.status = executor.Failed
	}
	r.turn = t
	r.mu.Unlock()
	_, err := r.session.Stream.RecordAnyway(ctx, event.Draft{Turn: t.id, Actor: event.System, Payload: &event.TurnCompletedPayload{
		Status: t.status, Duration: time.Since(t.began).Milliseconds(), Calls: t.calls, Usage: t.usage, Thread: t.usage,
		Error: event.Secret(t.problem), LastMessage: event.Secret(t.last),
	}})
	see := fmt.Sprintf("; 'proctor replay %s' shows the session", r.thread)
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case failure != nil:
		return fmt.Errorf("%w%s", failure, see)
	case t.status != executor.Completed:
		return fmt.Errorf("the turn of Codex ended as %s: %s%s", t.status, or(t.problem, "it gave no reason"), see)
	}
	if !r.opts.JSON && t.last != "" {
		_, _ = fmt.Fprintln(r.out, cli.Plain(t.last))
	}
	return nil
}
