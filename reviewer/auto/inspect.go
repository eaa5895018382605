package auto

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"proctor/reviewer"
)

const (
	// maxOutput bounds the text that one tool call shows to the reviewer, in tokens; maxParts what is no text, in bytes.
	maxOutput = 4_000
	maxParts  = 2 << 20
)

var (
	errTools = errors.New("the reviewer called a tool although it has none")
	errCalls = errors.New("the reviewer went on calling tools after its last allowed call")
	errSpent = errors.New("the reviewer used up its tokens before it had an answer")
)

// converse asks until the model says something, and runs its tools in between. Said is the whole conversation, the answer included.
func (r *Reviewer) converse(ctx context.Context, p Prompt, t *reviewer.Trace) (text string, said []Message, err error) {
	p.Messages = slices.Clip(p.Messages)
	calls := 0
	var spent int64
	for {
		answer, err := r.model.Ask(ctx, p)
		if err != nil {
			return "", nil, err
		}
		if t.FirstOutput == 0 {
			t.FirstOutput = answer.FirstOutput
		}
		t.Usage = t.Usage.Add(answer.Usage)
		spent += answer.Usage.Input + answer.Usage.Output
		p.Messages = append(p.Messages, answer.message())
		switch {
		case len(answer.Calls) == 0:
			return answer.Text, p.Messages, nil
		case r.opts.Inspector == nil:
			return "", nil, errTools
		case calls > r.opts.Inspections:
			return "", nil, errCalls
		case r.opts.Tokens > 0 && spent >= r.opts.Tokens:
			return "", nil, fmt.Errorf("%w: %d of %d", errSpent, spent, r.opts.Tokens)
		}
		for _, c := range answer.Calls {
			calls++
			out := Message{Call: &c, Output: Output{Text: "No further calls are possible in this review. Answer now."}}
			if calls <= r.opts.Inspections {
				t.Inspections++
				if out.Output, err = r.inspect(ctx, p, c); err != nil {
					return "", nil, err
				}
			}
			p.Messages = append(p.Messages, out)
		}
	}
}

// inspect runs one call and marks what came back as untrusted.
func (r *Reviewer) inspect(ctx context.Context, p Prompt, c Call) (Output, error) {
	out, err := r.opts.Inspector.Inspect(ctx, p, c)
	if err != nil {
		return Output{}, err
	}
	w := writer{mark: mark(p.Review)}
	out.Text = w.block("output of your call of "+name(c.Name)+" (untrusted)", shorten(quote(out.Text), maxOutput))
	size := 0
	for _, part := range out.Parts {
		size += len(part)
	}
	if size > maxParts {
		out.Parts, out.Text = nil, out.Text+w.header(fmt.Sprintf("note: content of %d bytes is too large to be shown", size))
	}
	return out, nil
}

// message is the answer as a part of the conversation.
func (a Answer) message() Message {
	if len(a.Items) > 0 {
		return Message{Items: a.Items}
	}
	return Message{Role: "assistant", Texts: []string{a.Text}}
}
