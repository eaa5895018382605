package config

import (
	"fmt"
	"strings"
)

// exporters completes the three exporters: an endpoint must be there, and
// ${NAME} in header values is replaced from the environment.
func (l *loader) exporters(c *Config) {
	l.exporter(c, "exporter", &c.Otel.Exporter)
	l.exporter(c, "trace_exporter", &c.Otel.TraceExporter)
	l.exporter(c, "metrics_exporter", &c.Otel.MetricsExporter)
}

func (l *loader) exporter(c *Config, key string, e *Exporter) {
	if !e.Enabled() {
		return
	}
	at := []string{"otel", key, string(e.Kind)}
	n := c.final.find(at...)
	if e.Endpoint == "" {
		l.r.failAt(n.origin, formatKey(append(at[:3:3], "endpoint")), "missing", "the address of the collector", "")
	}
	headers := n.find("headers")
	for _, name := range sortedKeys(e.Headers) {
		value, missing := expandEnv(e.Headers[name].Reveal(), l.opts.LookupEnv)
		if missing != "" {
			l.r.failAt(headers.find(name).origin, formatKey(append(at[:3:3], "headers", name)),
				fmt.Sprintf("environment variable %s is not set", missing), "", "export it, or remove the header")
		}
		e.Headers[name] = Secret(value)
	}
}

// expandEnv replaces ${NAME}; a $ without braces stands for itself. It returns
// the first name that is not set.
func expandEnv(s string, lookup func(string) (string, bool)) (expanded, missing string) {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(s, "${")
		b.WriteString(before)
		if !ok {
			return b.String(), ""
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed || !variableName(name) {
			b.WriteString("${")
			s = rest
			continue
		}
		value, set := lookup(name)
		if !set {
			return "", name
		}
		b.WriteString(value)
		s = after
	}
}

func variableName(s string) bool {
	for i, r := range s {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}
