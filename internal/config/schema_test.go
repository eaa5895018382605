package config

import (
	"reflect"
	"testing"
)

// Keys share the plainest specs, so a table that marks its own key must not mark those of all.
func TestPlainSpecsStayPlain(t *testing.T) {
	t.Parallel()
	configSchema()
	requirementsSchema()
	for got, want := range map[*spec]spec{
		text(): {kind: stringValue}, boolean(): {kind: boolValue}, anything(): {kind: anyValue},
		unused(): {kind: anyValue, inert: true}, number(): {kind: numberValue, what: "a number"},
	} {
		if !reflect.DeepEqual(*got, want) {
			t.Errorf("a shared spec is now %+v, want %+v", *got, want)
		}
	}
}
