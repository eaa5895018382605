package redact

import (
	"reflect"
	"slices"
	"strings"
	"sync/atomic"

	"proctor/event"
)

// Capture masks what is recorded, before it is encoded: every sensitive text, and the public texts that may quote one. Ids and
// other texts that link events stay as they are. Only rules that are sure count, so that evidence stays useful. It implements
// [event.Capture]; the zero value is not usable.
type Capture struct {
	more  []Rule
	key   Key
	rules atomic.Pointer[Rules]
	plans map[event.Kind][]event.Field
}

// NewCapture masks by the built-in rules and more; key is that of the fingerprints.
func NewCapture(more []Rule, key Key, known ...Known) (*Capture, error) {
	rules, err := NewRules(more, known...)
	if err != nil {
		return nil, err
	}
	c := &Capture{more: more, key: key, plans: map[event.Kind][]event.Field{}}
	c.rules.Store(rules)
	for _, k := range event.Catalog() {
		for _, f := range event.Fields(k.Payload) {
			if f.Sensitive || (f.Type == "string" || f.Type == "array") && !links(f.Name) && !verbatim[k.Kind][f.Name] {
				c.plans[k.Kind] = append(c.plans[k.Kind], f)
			}
		}
	}
	return c, nil
}

// Know replaces the values that are known to be secret. What was recorded before stays.
func (c *Capture) Know(known ...Known) error {
	rules, err := NewRules(c.more, known...)
	if err == nil {
		c.rules.Store(rules)
	}
	return err
}

// Rules are those in force.
func (c *Capture) Rules() *Rules { return c.rules.Load() }

// links reports whether a public text names something that other events name too. Names of tools do so as well, and a model may make
// them up: they are masked, everywhere alike.
func links(name string) bool {
	for _, end := range []string{"id", "calls", "digest", "session", "decision", "secrets", "secret"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// Event implements event.Capture.
func (c *Capture) Event(e *event.Event) *event.Event {
	rules := c.rules.Load()
	var receipts []Receipt
	var out reflect.Value // a copy of the payload, once something changes
	in := reflect.ValueOf(e.Payload)
	if in.Kind() != reflect.Pointer || in.IsNil() {
		return e
	}
	for _, f := range c.plans[e.Kind] {
		v, own := c.field(rules, f.Name, in.Elem().FieldByIndex(f.Index))
		if len(own) == 0 {
			continue
		}
		if !out.IsValid() {
			out = reflect.New(in.Elem().Type())
			out.Elem().Set(in.Elem())
		}
		out.Elem().FieldByIndex(f.Index).Set(v)
		receipts = append(receipts, own...)
	}
	if len(receipts) == 0 && e.Masked == nil {
		return e
	}
	masked := event.Masked{Rules: rules.Version()}
	if e.Masked != nil {
		masked.Removals = slices.Clone(e.Masked.Removals)
	}
	masked.Removals = bounded(append(masked.Removals, receipts...))
	copied := *e
	copied.Masked = &masked
	if out.IsValid() {
		copied.Payload = out.Interface().(event.Payload)
	}
	return &copied
}

// field masks one field; without receipts its value is unchanged.
func (c *Capture) field(rules *Rules, name string, v reflect.Value) (reflect.Value, []Receipt) {
	switch x := v.Interface().(type) {
	case event.Sensitive:
		text, ok := x.Reveal()
		if !ok || text == "" {
			return v, nil
		}
		out, receipts := rules.Mask(name, text, true, c.key)
		return reflect.ValueOf(event.Secret(out)), receipts
	case []string:
		var all []Receipt
		list := slices.Clone(x)
		for i, s := range list {
			out, receipts := rules.Mask(name, s, true, c.key)
			list[i] = out
			all = append(all, receipts...)
		}
		return reflect.ValueOf(list), all
	}
	if v.Kind() != reflect.String {
		return v, nil
	}
	out, receipts := rules.Mask(name, v.String(), true, c.key)
	return reflect.ValueOf(out).Convert(v.Type()), receipts
}

// Filter implements event.Capture.
func (c *Capture) Filter(field string) event.Filter {
	return c.rules.Load().Stream(field, true, c.key)
}

// maxReceipts bounds the receipts of one event; the last one then counts the rest.
const maxReceipts = 32

func bounded(receipts []Receipt) []Receipt {
	over := len(receipts) - maxReceipts
	if over <= 0 {
		return receipts
	}
	rest := Receipt{Field: "*", Rule: "more"}
	for _, r := range receipts[maxReceipts-1:] {
		rest.Bytes += r.Bytes
	}
	return append(receipts[:maxReceipts-1:maxReceipts-1], rest)
}
