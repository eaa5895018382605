package app

import (
	"strings"
	"testing"

	"proctor/internal/cli"
	"proctor/internal/config"
)

func traceEnv(pairs ...string) cli.Env {
	return cli.Env{Environ: pairs}
}

func TestTheTraceOfTheCallerGoesOn(t *testing.T) {
	t.Parallel()
	const trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	for given, want := range map[string]string{
		"00-" + trace + "-" + span + "-01":                    trace,
		"00-" + trace + "-" + span + "-00":                    trace,
		"01-" + trace + "-" + span + "-01-later":              trace,
		"00-" + trace + "-" + span + "-01-more":               "",
		"ff-" + trace + "-" + span + "-01":                    "",
		"00-" + strings.ToUpper(trace) + "-" + span:           "",
		"00-00000000000000000000000000000000-" + span + "-01": "",
		"00-" + trace + "-0000000000000000-01":                "",
		"":                                                    "",
	} {
		got := newTrace(traceEnv("TRACEPARENT=" + given))
		if len(got.trace) != 32 || len(got.span) != 16 || got.span == span {
			t.Errorf("%q: %+v", given, got)
		}
		if (got.trace == trace) != (want != "") || (got.parent != "") != (want != "") {
			t.Errorf("%q: %+v", given, got)
		}
		if got.parent != "" && got.parent != given[:55] {
			t.Errorf("%q: parent %q", given, got.parent)
		}
		headers := got.headers(traceEnv(), &config.Config{})
		if h := headers["traceparent"]; len(h) != 55 || !strings.HasPrefix(h, "00-"+got.trace+"-"+got.span) || headers["tracestate"] != "" {
			t.Errorf("%q: headers %v", given, headers)
		}
	}
}

func TestTracestateIsEncodedAsTheCLIDoes(t *testing.T) {
	t.Parallel()
	own := map[string]map[string]string{"example": {"alpha": "one"}}
	for _, c := range []struct {
		given string
		own   map[string]map[string]string
		want  string
	}{
		{"", own, "example=alpha:one"},
		{"", map[string]map[string]string{"b": {"y": "2", "x": "1"}, "a": {"z": "3"}}, "a=z:3,b=x:1;y:2"},
		{"other=1, example=old ,bad\x01=2,none", own, "example=alpha:one,other=1"},
		{"big=" + strings.Repeat("x", 600), own, "example=alpha:one"},
		{"", nil, ""},
	} {
		if got := tracestate(c.given, c.own); got != c.want {
			t.Errorf("%q: %q, want %q", c.given, got, c.want)
		}
	}
}
