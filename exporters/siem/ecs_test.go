package siem_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"proctor/exporters/siem"
)

// ecsSchema is the part of ECS that testdata/ecs-8.17.json has; its member source says where that is from.
type ecsSchema struct {
	Fields          map[string]string
	Kinds, Outcomes []string
	Types           map[string][]string // expected of a category
}

// of reports whether v, or each element of it, is a value of a type of Elasticsearch.
func isECS(typ string, v any) bool {
	switch x := v.(type) {
	case []any:
		return !slices.ContainsFunc(x, func(e any) bool { return !isECS(typ, e) })
	case string:
		switch typ {
		case "date":
			_, err := time.Parse(time.RFC3339Nano, x)
			return err == nil
		case "ip":
			_, err := netip.ParseAddr(x)
			return err == nil || x == "word" // of a test that sets every text
		}
		return typ == "keyword" || typ == "text"
	case float64:
		return typ == "long" && x == math.Trunc(x)
	}
	return false
}

func TestECSIsThatOfTheSchema(t *testing.T) {
	t.Parallel()
	var schema ecsSchema
	b, err := os.ReadFile("testdata/ecs-8.17.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &schema); err != nil {
		t.Fatal(err)
	}
	for _, entry := range everyAndLean(t) {
		v := mapped(t, siem.ECS, entry)
		var walk func(at string, v any)
		walk = func(at string, v any) {
			if m, ok := v.(map[string]any); ok {
				for name, x := range m {
					walk(strings.TrimPrefix(at+"."+name, "."), x)
				}
				return
			}
			if typ, ok := schema.Fields[at]; !ok && !strings.HasPrefix(at, "proctor.") || ok && !isECS(typ, v) {
				t.Errorf("%s: %s of %q is %v", entry.Kind, at, typ, v)
			}
		}
		walk("", v)
		of := v["event"].(map[string]any)
		if !slices.Contains(schema.Kinds, fmt.Sprint(of["kind"])) || of["outcome"] != nil && !slices.Contains(schema.Outcomes, fmt.Sprint(of["outcome"])) {
			t.Errorf("%s: kind %v, outcome %v", entry.Kind, of["kind"], of["outcome"])
		}
		for _, category := range of["category"].([]any) {
			for _, typ := range of["type"].([]any) {
				if !slices.Contains(schema.Types[category.(string)], typ.(string)) {
					t.Errorf("%s: type %v is not expected of category %v", entry.Kind, typ, category)
				}
			}
		}
	}
}
