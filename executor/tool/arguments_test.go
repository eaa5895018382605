package tool

import (
	"errors"
	"strings"
	"testing"
)

// TestArgumentErrors: what the model reads names the field, what was expected and what came.
func TestArgumentErrors(t *testing.T) {
	read := func(a *Arguments) {
		a.Required("cmd", "a command")
		a.Bool("tty", false)
		a.Int("n", 1)
		a.Choice("word", "one", "two")
		a.Texts("list")
		for _, o := range a.Objects("items", 2) {
			o.Required("step", "a step")
			a.Merge(o)
		}
	}
	for _, c := range []struct{ in, field, want string }{
		{``, "", "they are empty; expected one JSON object"},
		{`{not json`, "", "invalid character 'n'"},
		{`[1]`, "", "got a list; expected one JSON object"},
		{`"x"`, "", "got a string"},
		{`{"cmd":"a"} {}`, "", "more after the object"},
		{`{"cmd":"a","cmd":"b"}`, "", "duplicate field `cmd`"},
		{`{"cmd":"a","x":}`, "", "value of `x`"},
		{`{}`, "cmd", "field `cmd`: missing; expected a string: a command"},
		{`{"CMD":"a"}`, "cmd", "missing"},
		{`{"cmd":null}`, "cmd", "missing"},
		{`{"cmd":7}`, "cmd", "expected a string, got a number"},
		{`{"cmd":"a\u0000b"}`, "cmd", "NUL character at byte 1"},
		{`{"cmd":"a","tty":"yes"}`, "tty", "expected true or false, got a string"},
		{`{"cmd":"a","n":"10"}`, "n", "expected a number, got a string"},
		{`{"cmd":"a","n":-1}`, "n", "is -1; expected a whole number from 0"},
		{`{"cmd":"a","n":1.5}`, "n", "is 1.5"},
		{`{"cmd":"a","n":1e99}`, "n", "is 1e99"},
		{`{"cmd":"a","word":"three"}`, "word", `unknown value "three"; expected one of one, two`},
		{`{"cmd":"a","list":[1]}`, "list", "expected a list of strings, got a list"},
		{`{"cmd":"a","items":[{},{},{}]}`, "items", "has 3 entries, at most 2"},
		{`{"cmd":"a","items":[{"step":"x"},{"step":1}]}`, "items[1].step", "field `items[1].step`: expected a string, got a number"},
		{`{"cmd":"a","items":[1]}`, "items[0]", "expected an object"},
		{`{"cmd":"` + strings.Repeat("x", MaxArguments) + `"}`, "", "at most 1048576 are allowed"},
	} {
		a, err := ParseArguments(Call{Name: "t", Arguments: c.in})
		if err == nil {
			read(a)
			err = a.Err()
		}
		got, ok := errors.AsType[*ArgumentError](err)
		if !ok || got.Field != c.field || !strings.HasPrefix(got.Text, "failed to parse function arguments: ") || !strings.Contains(got.Text, c.want) {
			t.Errorf("%.60s: got %v, want field %q and %q", c.in, err, c.field, c.want)
		}
	}
}

func TestArgumentValues(t *testing.T) {
	a, err := ParseArguments(Call{Arguments: ` {"s":"x","n":300.0,"b":true,"l":["a"],"unknown":{"a":1},"none":null} `})
	if err != nil {
		t.Fatal(err)
	}
	if a.Text("s") != "x" || a.Int("n", 1) != 300 || !a.Bool("b", false) || len(a.Texts("l")) != 1 || a.Int("none", 7) != 7 || a.Choice("none", "d") != "d" || a.Err() != nil {
		t.Errorf("values are not those given: %v", a.Err())
	}
}

func FuzzArguments(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":1,"a":2}`, `{"a":[{"b":null}]}`, `{"a`, `{"a":1}}`, "\xff", `{"a":"\ud800"}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseArguments(Call{Name: "t", Arguments: s})
		if err != nil {
			if len(err.Error()) > 2000 {
				t.Fatalf("the message has %d bytes", len(err.Error()))
			}
			return
		}
		a.Text("a")
		a.Int("a", 0)
		for _, o := range a.Objects("a", 10) {
			o.Choice("b", "x")
			a.Merge(o)
		}
		_ = a.Err()
	})
}
