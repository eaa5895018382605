package egress

import "testing"

func TestInside(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, of string
		want        bool
	}{
		{"a.test", "a.test", true}, {"a.test", "A.test.", true}, {"a.test", "b.test", false},
		{"a.test", "*.a.test", false}, {"x.a.test", "*.a.test", true}, {"*.a.test", "*.a.test", true}, {"*.x.a.test", "*.a.test", true},
		{"**.x.a.test", "*.a.test", true}, {"**.a.test", "*.a.test", false}, {"xa.test", "*.a.test", false},
		{"a.test", "**.a.test", true}, {"*.a.test", "**.a.test", true}, {"**.a.test", "**.a.test", true}, {"**.test", "**.a.test", false},
		{"*.a.test", "a.test", false}, {"*", "**.a.test", false}, {"*", "*", true}, {"**.a.test", "*", true},
		{"a.test:443", "a.test", true}, {"a.test", "a.test:443", false}, {"a.test:443", "a.test:443", true}, {"a.test:80", "a.test:443", false},
		{"r*.a.test", "*.a.test", false}, {"r*.a.test", "r*.a.test", true}, {"192.0.2.1", "192.0.2.1", true},
		{"", "*", false},
	} {
		if got := Inside(c.pattern, c.of); got != c.want {
			t.Errorf("%q inside %q: %v, want %v", c.pattern, c.of, got, c.want)
		}
	}
}
