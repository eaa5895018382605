package siem_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"proctor/event"
	"proctor/exporters/siem"
	"proctor/internal/redact"
)

// ocsfSchema is the part of OCSF that testdata/ocsf-1.8.0.json has; its member source says where that is from.
type ocsfSchema struct {
	Profiles map[string][]string
	Base     ocsfClass
	Classes  map[string]ocsfClass
	Objects  map[string]ocsfObject
}

type ocsfClass struct {
	Name, Category string
	Activities     map[string]string
	Attributes     map[string]string
	Required       []string
	OneOf          []string                                `json:"one_of"`
	Own            []string                                // attributes of a profile that the class has without it
	Enums          map[string]map[string]map[string]string // by id, its sibling: number to caption
}

type ocsfObject struct {
	Attributes map[string]string
	Required   []string
	OneOf      []string `json:"one_of"`
	Enums      map[string][]string
}

func readOCSF(t *testing.T) (s ocsfSchema) {
	t.Helper()
	b, err := os.ReadFile("testdata/ocsf-1.8.0.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// check says what of an event the schema does not allow.
func (s ocsfSchema) check(e map[string]any) (wrong []string) {
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	c, ok := s.Classes[fmt.Sprint(e["class_uid"])]
	if !ok {
		return []string{fmt.Sprintf("there is no class %v", e["class_uid"])}
	}
	class, activity := e["class_uid"].(float64), e["activity_id"].(float64)
	if e["class_name"] != c.Name || e["category_name"] != c.Category || e["category_uid"] != math.Floor(class/1000) || e["type_uid"] != class*100+activity {
		say("%v, %v, %v, %v do not belong to class %v", e["class_name"], e["category_name"], e["category_uid"], e["type_uid"], class)
	}
	name, known := c.Activities[fmt.Sprint(activity)]
	if known && e["activity_name"] != name || !known && activity != 99 || e["type_name"] != c.Name+": "+fmt.Sprint(e["activity_name"]) {
		say("activity %v is %v, type %v", activity, e["activity_name"], e["type_name"])
	}
	metadata, _ := e["metadata"].(map[string]any)
	profiles, _ := metadata["profiles"].([]any)
	for profile, attributes := range s.Profiles {
		for _, a := range attributes {
			if _, there := e[a]; there && !slices.Contains(c.Own, a) && !slices.Contains(profiles, any(profile)) {
				say("%s belongs to profile %s, which metadata.profiles does not name", a, profile)
			}
		}
	}
	attributes := map[string]string{}
	for _, of := range []map[string]string{s.Base.Attributes, c.Attributes} {
		for a, typ := range of {
			attributes[a] = typ
		}
	}
	for id, siblings := range s.Base.Enums {
		if own, ok := c.Enums[id]; ok {
			siblings = own
		}
		for sibling, captions := range siblings {
			if v, ok := e[id]; ok && (captions[fmt.Sprint(v)] == "" || e[sibling] != captions[fmt.Sprint(v)]) {
				say("%s is %v and %s %v", id, v, sibling, e[sibling])
			}
		}
	}
	return append(wrong, s.object("event", ocsfObject{attributes, append(slices.Clone(s.Base.Required), c.Required...), c.OneOf, nil}, e)...)
}

func (s ocsfSchema) object(at string, o ocsfObject, v map[string]any) (wrong []string) {
	for name, value := range v {
		typ, ok := o.Attributes[name]
		if !ok {
			wrong = append(wrong, fmt.Sprintf("%s has no attribute %s", at, name))
			continue
		}
		wrong = append(wrong, s.value(at+"."+name, typ, value)...)
	}
	for _, name := range o.Required {
		if x, ok := v[name]; !ok || x == "" {
			wrong = append(wrong, fmt.Sprintf("%s lacks %s", at, name))
		}
	}
	if len(o.OneOf) > 0 && !slices.ContainsFunc(o.OneOf, func(name string) bool { return v[name] != nil }) {
		wrong = append(wrong, fmt.Sprintf("%s has none of %v", at, o.OneOf))
	}
	for name, allowed := range o.Enums {
		if x, ok := v[name]; ok && !slices.Contains(allowed, fmt.Sprint(x)) {
			wrong = append(wrong, fmt.Sprintf("%s.%s is %v", at, name, x))
		}
	}
	return wrong
}

func (s ocsfSchema) value(at, typ string, v any) []string {
	kind, of, _ := strings.Cut(typ, ":")
	ok := false
	switch kind {
	case "object":
		if m, is := v.(map[string]any); is {
			return s.object(at, s.Objects[of], m)
		}
	case "list":
		list, is := v.([]any)
		if ok = is && len(list) > 0; ok {
			var wrong []string
			for _, x := range list {
				element := of
				if of != "string" {
					element = "object:" + of
				}
				wrong = append(wrong, s.value(at, element, x)...)
			}
			return wrong
		}
	case "string":
		_, ok = v.(string)
	case "any":
		_, ok = v.(map[string]any)
	case "integer", "long", "timestamp":
		n, is := v.(float64)
		ok = is && n == math.Trunc(n) && (kind == "long" || kind == "timestamp" || math.Abs(n) < 1<<31)
	}
	if ok {
		return nil
	}
	return []string{fmt.Sprintf("%s is no %s: %v", at, typ, v)}
}

// lean are events with as little as there may be in them, and what is refused.
func lean() []event.Payload {
	exit := 1
	return []event.Payload{
		&event.SandboxDenialPayload{}, &event.SandboxDenialPayload{Path: "/etc/shadow", Program: "sh", Syscall: "openat", Rule: "deny"}, &event.SandboxOutcomePayload{},
		&event.SecretLeftBehindPayload{}, &event.FileChangePayload{Path: "a/"}, &event.FileChangePayload{Path: "x", Change: "add"}, &event.FileChangePayload{Change: "delete"},
		&event.NetworkPolicyDecisionPayload{Decision: "deny"}, &event.NetworkPolicyDecisionPayload{Decision: "allow"}, &event.ToolDecisionPayload{Outcome: "forbid"},
		&event.ToolResultPayload{Status: "refused"}, &event.ToolResultPayload{ExitCode: &exit}, &event.ToolResultPayload{Success: true}, &event.ExecStartedPayload{},
		&event.ApprovalDecidedPayload{Status: "denied"}, &event.ApprovalDecidedPayload{Status: event.Approved}, &event.APIRequestPayload{}, &event.SessionClosedPayload{},
		&event.ConversationStartsPayload{},
	}
}

// everyAndLean are entries of each kind with all fields, and of some with few.
func everyAndLean(t *testing.T) []event.Entry {
	t.Helper()
	entries := ledger(t).Entries()
	for i, p := range lean() {
		entry := golden(t)[0]
		c, _ := event.Lookup(p.Kind())
		e := *entry.Event
		e.Kind, e.Schema, e.Payload = p.Kind(), c.Schema, p
		if i%2 == 0 {
			e.Call = "call-1"
		}
		entry.Kind, entry.Event = e.Kind, &e
		entries = append(entries, entry)
	}
	return entries
}

// mapped is an entry in a format of JSON.
func mapped(t *testing.T, format string, entry event.Entry) (v map[string]any) {
	t.Helper()
	policy := redact.New(redact.Options{LogUserPrompt: true, LogAgentResponses: true, LogGuardianAssessments: true})
	line, err := siem.Map(format, entry, policy)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(line, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestOCSFIsThatOfTheSchema(t *testing.T) {
	t.Parallel()
	schema := readOCSF(t)
	classes := map[any]bool{}
	for _, entry := range everyAndLean(t) {
		v := mapped(t, siem.OCSF, entry)
		classes[v["class_uid"]] = true
		for _, w := range schema.check(v) {
			t.Errorf("%s: %s", entry.Kind, w)
		}
	}
	if len(classes) != len(schema.Classes) {
		t.Errorf("of %d classes in the schema %d are in use", len(schema.Classes), len(classes))
	}
}
