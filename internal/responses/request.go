package responses

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
)

// OutputSchemaName is the name under which an output schema is sent.
const OutputSchemaName = "codex_output_schema"

// Request is the typed subset of a Responses API request. Items and tools are
// JSON as it goes over the wire. The client always sends store=false,
// stream=true and the whole input.
type Request struct {
	Model        string
	Instructions string
	Input        []json.RawMessage
	Tools        []json.RawMessage
	// ToolChoice is "auto" when empty.
	ToolChoice        string
	ParallelToolCalls bool
	// Reasoning is left out when both of its fields are empty.
	Reasoning      Reasoning
	Include        []string
	PromptCacheKey string
	ServiceTier    string
	Verbosity      string
	// OutputSchema, when set, asks for an answer in that JSON schema.
	OutputSchema *OutputSchema
	// Headers are added to every attempt: originator, session-id, thread-id,
	// x-openai-subagent, traceparent. They cannot replace Authorization.
	Headers map[string]string

	// Continue, when set, is called before a stream retry if items were
	// finished on the streams cut so far; it gets all of them and returns the
	// input for the next request. Without it the same input is sent again.
	Continue func(kept []Item) ([]json.RawMessage, error)
}

// Reasoning asks for effort ("low", "medium", …) and a summary ("auto", …).
type Reasoning struct {
	Effort  string `json:"effort,omitempty"`
	Summary string `json:"summary,omitempty"`
}

// OutputSchema is the JSON schema of the final answer.
type OutputSchema struct {
	// Name is OutputSchemaName when empty.
	Name   string
	Strict bool
	Schema json.RawMessage
}

type wireRequest struct {
	Model             string            `json:"model"`
	Instructions      string            `json:"instructions"`
	Input             []json.RawMessage `json:"input"`
	Tools             []json.RawMessage `json:"tools"`
	ToolChoice        string            `json:"tool_choice"`
	ParallelToolCalls bool              `json:"parallel_tool_calls"`
	Reasoning         *Reasoning        `json:"reasoning,omitempty"`
	Store             bool              `json:"store"`
	Stream            bool              `json:"stream"`
	Include           []string          `json:"include"`
	ServiceTier       string            `json:"service_tier,omitempty"`
	PromptCacheKey    string            `json:"prompt_cache_key,omitempty"`
	Text              *wireText         `json:"text,omitempty"`
}

type wireText struct {
	Verbosity string      `json:"verbosity,omitempty"`
	Format    *wireFormat `json:"format,omitempty"`
}

type wireFormat struct {
	Type   string          `json:"type"`
	Strict bool            `json:"strict"`
	Schema json.RawMessage `json:"schema"`
	Name   string          `json:"name"`
}

// encode writes the body; input replaces r.Input. Arrays are never null.
func (r Request) encode(input []json.RawMessage) ([]byte, error) {
	if r.Model == "" {
		return nil, fmt.Errorf("encode model request: no model named; set model in config.toml or give -m MODEL")
	}
	wire := wireRequest{
		Model: r.Model, Instructions: r.Instructions,
		Input: nonNil(input), Tools: nonNil(r.Tools), Include: nonNil(r.Include),
		ToolChoice: r.ToolChoice, ParallelToolCalls: r.ParallelToolCalls,
		Stream: true, ServiceTier: r.ServiceTier, PromptCacheKey: r.PromptCacheKey,
		Text: r.text(),
	}
	if wire.ToolChoice == "" {
		wire.ToolChoice = "auto"
	}
	if r.Reasoning != (Reasoning{}) {
		wire.Reasoning = &r.Reasoning
	}
	if err := validRaw("input item", wire.Input); err != nil {
		return nil, err
	}
	if err := validRaw("tool", wire.Tools); err != nil {
		return nil, err
	}
	if r.OutputSchema != nil && !json.Valid(r.OutputSchema.Schema) {
		return nil, fmt.Errorf("encode model request: output schema is not valid JSON")
	}
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(wire); err != nil {
		return nil, fmt.Errorf("encode model request: %w", err)
	}
	return bytes.TrimSuffix(body.Bytes(), []byte("\n")), nil
}

func (r Request) text() *wireText {
	if r.Verbosity == "" && r.OutputSchema == nil {
		return nil
	}
	text := &wireText{Verbosity: r.Verbosity}
	if s := r.OutputSchema; s != nil {
		text.Format = &wireFormat{Type: "json_schema", Strict: s.Strict, Schema: s.Schema, Name: s.Name}
		if s.Name == "" {
			text.Format.Name = OutputSchemaName
		}
	}
	return text
}

func (r Request) validHeaders() error {
	for name, value := range r.Headers {
		if !validHeader(name, value) {
			return fmt.Errorf("send model request: header %q has a name or value that HTTP does not allow", name)
		}
	}
	return nil
}

// setHeaders adds the caller's headers; those that authenticate or frame the
// request stay ours.
func (r Request) setHeaders(header http.Header) {
	for name, value := range r.Headers {
		switch http.CanonicalHeaderKey(name) {
		case "Authorization", "Content-Type", "Accept", "Content-Length", "Host":
		default:
			header.Set(name, value)
		}
	}
}

func validRaw(what string, list []json.RawMessage) error {
	for i, raw := range list {
		if !json.Valid(raw) {
			return fmt.Errorf("encode model request: %s %d is not valid JSON", what, i)
		}
	}
	return nil
}

func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
