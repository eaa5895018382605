package event

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Describe writes the catalog as a Markdown page: doc/events.md.
func Describe() string {
	var b strings.Builder
	b.WriteString("# Events\n\nGenerated from `event/catalog.go` by `make generate`; do not edit.\n\n" +
		"Every event has the envelope `v`, `id` (UUIDv7), `kind`, `schema`, `session`, `seq` (dense per session), `turn`, `call`, `time`,\n" +
		"`cause` (id of the event that led to it), `actor`, `trace`, `span`, `masked` (what was taken out before it was recorded, see `redaction.md`) and `payload`. The ledger adds `index`, `received` and `session_seq`.\n\n" +
		"A *sealed* field holds sensitive text: the public part carries a salted commitment and the length, the text itself lies beside it,\n" +
		"encrypted, and can be erased. *as text* marks numbers and booleans that Codex-compatible export writes as text; *ours* marks\n" +
		"fields that Codex does not have.\n")
	for _, c := range Catalog() {
		fmt.Fprintf(&b, "\n## `%s`\n\n%s. Schema %d, severity %d.", c.Kind, upper(c.Meaning), c.Schema, c.Severity)
		if c.Metric != "" {
			fmt.Fprintf(&b, " Counted by `%s` and `%s.duration_ms`.", c.Metric, c.Metric)
		}
		b.WriteString("\n\n| field | type | notes |\n| --- | --- | --- |\n")
		for _, f := range Fields(c.New()) {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.Name, f.Type, strings.Join(notes(c, f), ", "))
		}
	}
	return b.String()
}

func notes(c CatalogEntry, f Field) []string {
	var n []string
	if f.Sensitive {
		n = append(n, "sealed")
	}
	if f.Optional {
		n = append(n, "optional")
	}
	family, _ := c.Kind.Split()
	switch {
	case family != "codex":
	case f.Text:
		n = append(n, "as text")
	case !f.Codex:
		n = append(n, "ours")
	}
	return n
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

type schema struct {
	Schema     string            `json:"$schema,omitempty"`
	Title      string            `json:"title,omitempty"`
	Ref        string            `json:"$ref,omitempty"`
	Type       string            `json:"type,omitempty"`
	Const      any               `json:"const,omitempty"`
	Properties map[string]schema `json:"properties,omitempty"`
	Required   []string          `json:"required,omitempty"`
	OneOf      []schema          `json:"oneOf,omitempty"`
	Defs       map[string]schema `json:"$defs,omitempty"`
	Additional *bool             `json:"additionalProperties,omitempty"`
	MinLength  int               `json:"minLength,omitempty"`
	Pattern    string            `json:"pattern,omitempty"`
}

// Schema writes the JSON Schema of the public part of all events: doc/events.schema.json.
func Schema() ([]byte, error) {
	closed := false
	root := schema{
		Schema: "https://json-schema.org/draft/2020-12/schema", Title: "proctor event, public part",
		Defs: map[string]schema{
			"sealed": {Type: "object", Additional: &closed, Required: []string{"sealed", "bytes"}, Properties: map[string]schema{
				"sealed": {Type: "string", Pattern: "^[0-9a-f]{64}$"}, "bytes": {Type: "integer"},
			}},
			"masked": {Type: "object", Additional: &closed, Required: []string{"rules", "removals"}, Properties: map[string]schema{
				"rules": {Type: "string"}, "removals": {Type: "array"},
			}},
		},
	}
	for _, c := range Catalog() {
		payload := schema{Type: "object", Additional: &closed, Properties: map[string]schema{}}
		for _, f := range Fields(c.New()) {
			p := schema{Type: f.Type}
			if f.Sensitive {
				p = schema{Ref: "#/$defs/sealed"}
			}
			payload.Properties[f.Name] = p
			if !f.Optional {
				payload.Required = append(payload.Required, f.Name)
			}
		}
		name := string(c.Kind)
		root.Defs[name] = payload
		envelope := schema{
			Title: name, Type: "object", Additional: &closed,
			Required: []string{"v", "id", "kind", "schema", "session", "time", "actor", "payload"},
			Properties: map[string]schema{
				"v": {Const: Version}, "id": {Type: "string"}, "kind": {Const: name}, "schema": {Const: c.Schema},
				"session": {Type: "string", Pattern: "^[0-9A-Za-z_-]{1,64}$"}, "seq": {Type: "integer"},
				"turn": {Type: "string"}, "call": {Type: "string"}, "time": {Type: "string"}, "cause": {Type: "string"},
				"actor": {Type: "string"}, "trace": {Type: "string"}, "span": {Type: "string"}, "masked": {Ref: "#/$defs/masked"},
				"payload": {Ref: "#/$defs/" + name},
			},
		}
		root.OneOf = append(root.OneOf, envelope)
	}
	b, err := json.MarshalIndent(root, "", " ")
	return append(b, '\n'), err
}
