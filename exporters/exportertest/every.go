package exportertest

import (
	"reflect"
	"strings"

	"proctor/event"
)

// Planted is a secret that no exporter may let out.
const Planted = "ghp_0123456789abcdefghijABCDEFGHIJ456789"

// SensitiveText is what every sensitive field of [Every] holds.
const SensitiveText = "before token=" + Planted + " after"

// Every makes a draft of each kind of the catalog, in its order, with every field set.
func Every() []event.Draft {
	var out []event.Draft
	for _, c := range event.Catalog() {
		p := c.New()
		fill(reflect.ValueOf(p).Elem())
		known(p)
		out = append(out, event.Draft{Turn: "turn-1", Call: "call-1", Payload: p})
	}
	return out
}

// fill sets every field to something that is not empty.
func fill(v reflect.Value) {
	switch x := v.Addr().Interface().(type) {
	case *event.Sensitive:
		*x = event.Secret(SensitiveText)
		return
	case *event.Hash:
		x[0] = 1
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.String:
		v.SetString("word")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint64:
		v.SetUint(7)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		value := reflect.New(v.Type().Elem()).Elem()
		fill(value)
		v.SetMapIndex(reflect.ValueOf(strings.Clone("codex.sse_event")).Convert(v.Type().Key()), value)
	}
}

// known gives a few fields the values they have in life.
func known(p event.Payload) {
	switch p := p.(type) {
	case *event.ConversationStartsPayload:
		p.AppVersion, p.Originator, p.TerminalType, p.Model, p.Host = "1.2.3", "codex_exec", "xterm", "gpt-5.5", "ci-host"
	case *event.SSEEventPayload:
		p.EventKind, p.Error = "response.output_text.delta", ""
	case *event.APIRequestPayload:
		p.Status, p.Error = 200, ""
	case *event.ApprovalDecidedPayload:
		p.Reviewer = "user:somebody"
	}
}
