package responses

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"proctor/internal/fakemodel"
)

// Each case is one way in which a model server fails; steps are what it does.
func TestFailures(t *testing.T) {
	t.Parallel()
	ok := fakemodel.Answer(fakemodel.Say("ok"))
	problem := func(code, text string) any {
		return map[string]any{"error": map[string]any{"message": text, "type": "t", "code": code}}
	}
	repeat := func(n int, s fakemodel.Step) []fakemodel.Step {
		var steps []fakemodel.Step
		for range n {
			steps = append(steps, s)
		}
		return steps
	}
	good := []string{"Attempt 0 200", "Event created", "Event output_item.added", "Event output_text.delta", "FirstOutput", "Event output_item.done", "Item message", "Event completed", "Completed"}
	tests := []struct {
		name  string
		steps []fakemodel.Step
		lines []string
		// err is part of the final error; empty means success.
		err string
	}{
		{
			name: "400 is final", steps: []fakemodel.Step{fakemodel.Refuse(400, problem("", "Unsupported thing"))},
			lines: []string{"Attempt 0 400 http 400"}, err: "unexpected status 400 Bad Request: Unsupported thing, url: http://",
		},
		{
			name: "401 names the variable", steps: []fakemodel.Step{fakemodel.Refuse(401, problem("x", "bad key "+testKey))},
			lines: []string{"Attempt 0 401 http 401"}, err: "the key came from environment variable TEST_KEY",
		},
		{
			name: "403 is final", steps: []fakemodel.Step{fakemodel.Refuse(403, nil)},
			lines: []string{"Attempt 0 403 http 403"}, err: "check its rights",
		},
		{
			name: "404 names base_url", steps: []fakemodel.Step{fakemodel.Refuse(404, "<html>")},
			lines: []string{"Attempt 0 404 http 404"}, err: `check base_url of model provider "mock"`,
		},
		{
			name: "redirect is not followed", steps: []fakemodel.Step{fakemodel.Refuse(307, nil).With("Location", "http://127.0.0.1:1/")},
			lines: []string{"Attempt 0 307 http 307"}, err: "redirects are not followed",
		},
		{
			name: "429 waits and starts over", steps: []fakemodel.Step{fakemodel.Refuse(429, nil).With("Retry-After", "3"), ok},
			lines: append([]string{"Attempt 0 429 http 429", "Retry stream 1/2"}, good...),
		},
		{
			name: "429 without quota is final", steps: []fakemodel.Step{fakemodel.Refuse(429, problem("insufficient_quota", "no money"))},
			lines: []string{"Attempt 0 429 http 429"}, err: "check plan and billing",
		},
		{
			name: "500 then ok", steps: []fakemodel.Step{fakemodel.Refuse(500, nil), ok},
			lines: append([]string{"Attempt 0 500 http 500", "Retry request 1/2", "Attempt 1 200"}, good[1:]...),
		},
		{
			name: "500 for ever", steps: repeat(9, fakemodel.Refuse(500, nil)),
			lines: []string{
				"Attempt 0 500 http 500", "Retry request 1/2", "Attempt 1 500 http 500", "Retry request 2/2", "Attempt 2 500 http 500", "Retry stream 1/2",
				"Attempt 0 500 http 500", "Retry request 1/2", "Attempt 1 500 http 500", "Retry request 2/2", "Attempt 2 500 http 500", "Retry stream 2/2",
				"Attempt 0 500 http 500", "Retry request 1/2", "Attempt 1 500 http 500", "Retry request 2/2", "Attempt 2 500 http 500",
			},
			err: "unexpected status 500 Internal Server Error: scripted status",
		},
		{
			name: "eof without completed", steps: []fakemodel.Step{fakemodel.Answer().Ending(fakemodel.EndEOF), ok},
			lines: append([]string{"Attempt 0 200", "Event created", "Broken", "Retry stream 1/2"}, good...),
		},
		{
			name: "reset", steps: []fakemodel.Step{fakemodel.Answer().Ending(fakemodel.EndReset), ok},
			lines: append([]string{"Attempt 0 200", "Event created", "Event !", "Broken", "Retry stream 1/2"}, good...),
		},
		{
			name: "eof for ever", steps: repeat(3, fakemodel.Answer().Ending(fakemodel.EndEOF)),
			lines: []string{
				"Attempt 0 200", "Event created", "Broken", "Retry stream 1/2", "Attempt 0 200", "Event created", "Broken", "Retry stream 2/2",
				"Attempt 0 200", "Event created", "Broken",
			},
			err: "stream disconnected before completion: stream closed before response.completed",
		},
		{
			name: "failed and final", steps: []fakemodel.Step{fakemodel.Fail("context_length_exceeded", "too long")},
			lines: []string{"Attempt 0 200", "Event created", "Event failed!", "Broken"}, err: "longer than the model's context window",
		},
		{
			name: "failed and retried", steps: []fakemodel.Step{fakemodel.Fail("rate_limit_exceeded", "Please try again in 0.25s."), ok},
			lines: append([]string{"Attempt 0 200", "Event created", "Event failed!", "Broken", "Retry stream 1/2"}, good...),
		},
		{
			name: "a failure with a hostile code", steps: repeat(3, fakemodel.Fail("a\x1b[2Jb", "c\x00d")),
			lines: []string{
				"Attempt 0 200", "Event created", "Event failed!", "Broken", "Retry stream 1/2", "Attempt 0 200", "Event created", "Event failed!", "Broken", "Retry stream 2/2",
				"Attempt 0 200", "Event created", "Event failed!", "Broken",
			},
			err: "(a [2Jb): c d",
		},
		{
			name: "error event", steps: []fakemodel.Step{fakemodel.Answer(fakemodel.Part{Event: json.RawMessage(`{"type":"error","code":"invalid_prompt","message":"no"}`)})},
			lines: []string{"Attempt 0 200", "Event created", "Event error!", "Broken"}, err: "(invalid_prompt): no",
		},
		{
			name: "incomplete", steps: []fakemodel.Step{fakemodel.Answer(fakemodel.Part{Event: json.RawMessage(`{"type":"response.incomplete","response":{"incomplete_details":{"reason":"max_output_tokens"}}}`)}), ok},
			lines: append([]string{"Attempt 0 200", "Event created", "Event incomplete!", "Broken", "Retry stream 1/2"}, good...),
		},
		{
			name: "garbage in the stream is skipped as the SSE rules say, the end is missed", steps: repeat(3, fakemodel.Answer(fakemodel.Raw("\x00\xff garbage\n\n\n:::\nid\n\n")).Ending(fakemodel.EndEOF)),
			lines: []string{
				"Attempt 0 200", "Event created", "Broken", "Retry stream 1/2", "Attempt 0 200", "Event created", "Broken", "Retry stream 2/2",
				"Attempt 0 200", "Event created", "Broken",
			},
			err: "stream closed before response.completed",
		},
		{
			name: "invalid JSON", steps: []fakemodel.Step{fakemodel.Answer(fakemodel.Raw("data: {\"type\": oops\n\n")), ok},
			lines: append([]string{"Attempt 0 200", "Event created", "Event !", "Broken", "Retry stream 1/2"}, good...),
		},
		{
			name: "a call that cannot be answered", steps: []fakemodel.Step{fakemodel.Answer(fakemodel.Part{Item: json.RawMessage(`{"type":"function_call","name":"x"}`)}), ok},
			lines: append([]string{"Attempt 0 200", "Event created", "Event output_item.done!", "Broken", "Retry stream 1/2"}, good...),
		},
		{
			name: "a web page", steps: []fakemodel.Step{{Headers: map[string]string{"Content-Type": "text/html"}}},
			lines: []string{"Attempt 0 200 answer is not an event stream"}, err: "expected an event stream and got text/html",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server, p := start(t, tt.steps...)
			rec := &recorder{}
			_, err := newClient(t, p).Stream(t.Context(), ask(), rec.observer())
			switch {
			case tt.err == "" && err != nil:
				t.Errorf("error %v, want none", err)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("error %v, want one with %q", err, tt.err)
			case err != nil && strings.Contains(err.Error(), testKey):
				t.Errorf("the key shows in %v", err)
			}
			if diff := cmp.Diff(tt.lines, rec.lines); diff != "" {
				t.Error(diff)
			}
			if err := server.Finished(); err != nil {
				t.Error(err)
			}
		})
	}
}
