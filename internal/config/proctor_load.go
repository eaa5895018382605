package config

import (
	"path"
	"strings"
	"time"
)

const proctorDefaults = `
[bus]
url = ""
creds_file = ""
ca_file = ""
cert_file = ""
key_file = ""
assume_synced = false
replicas = 3
node = ""
partitions = 0
keep = "7d"
[ledger]
dir = "ledger"
key_file = "keys/ledger.key"
min_free_bytes = 67108864
heartbeat = "5m"
[ledger.retention]
max_age = ""
max_bytes = 0
[ledger.witness]
urls = []
keys = []
quorum = 1
timeout = "10s"
[export]
batch_records = 512
batch_delay = "0s"
exit_timeout = "5s"
delta_records = true
[sandbox]
backend = "auto"
record_denials = true
[sandbox.limits]
processes = -1
memory = 0
allocation = 1073741824
core = 0
open_files = 65536
[network]
on_miss = "continue"
report = false
transparent = false
[redact]
level = "standard"
capture = "mask"
rules = []
[approvals]
people = 1
wait = "10m"
[serve]
metrics = ""
[hooks]
on_failure = "closed"
`

func proctorSchema() *spec {
	return table(map[string]*spec{
		"bus": table(map[string]*spec{"url": text(), "creds_file": text(), "ca_file": text(), "cert_file": text(), "key_file": text(),
			"assume_synced": boolean(), "replicas": within(1, 5), "node": nodeSpec(), "home": list(within(0, 1023)), "partitions": within(0, 1024), "keep": ageSpec()}),
		"ledger": table(map[string]*spec{"dir": text(), "key_file": text(), "min_free_bytes": count(), "heartbeat": durationSpec(),
			"witness":   table(map[string]*spec{"urls": list(webAddress()), "keys": list(verifierKey()), "quorum": within(1, 64), "timeout": durationSpec()}),
			"retention": table(map[string]*spec{"max_age": ageSpec(), "max_bytes": count()})}),
		"export": table(map[string]*spec{"batch_records": within(1, 1<<16),
			"batch_delay": durationSpec(), "exit_timeout": durationSpec(), "delta_records": boolean()}),
		"sandbox": table(map[string]*spec{"backend": words("auto", "bwrap", "native", "landlock"), "record_denials": boolean(),
			"limits": limitsSchema()}),
		"network":     table(map[string]*spec{"on_miss": words("continue", "kill"), "report": boolean(), "transparent": boolean()}),
		"environment": environmentSchema(false),
		"review":      reviewSchema(),
		"redact": table(map[string]*spec{"level": words("full", "redacted", "metadata", "strict", "standard", "off"), "capture": words("mask", "off"),
			"rules": atMost(maxRuleFiles, list(text()))}),
		"siem":      atMost(maxSIEM, list(siemSchema())),
		"hooks":     table(map[string]*spec{"on_failure": words("closed", "open")}),
		"serve":     table(map[string]*spec{"metrics": listenSpec()}),
		"approvals": table(map[string]*spec{"people": within(1, 16), "wait": durationSpec()}),
	})
}

func limitsSchema() *spec {
	return table(map[string]*spec{"processes": within(-1, 1<<22), "memory": count(), "allocation": count(),
		"core": within(-1, 1<<53), "open_files": count()})
}

// nodeSpec is a name that can stand in the record and in the names of consumers.
func nodeSpec() *spec {
	return &spec{kind: stringValue, check: func(n *node) (string, string) {
		name := n.val.(string)
		if len(name) > 64 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
			return "got " + shown(name), "a name of at most 64 letters, digits, '-' and '_'"
		}
		return "", ""
	}}
}

func webAddress() *spec {
	return &spec{kind: stringValue, check: func(n *node) (string, string) {
		scheme, host, ok := strings.Cut(n.val.(string), "://")
		if !ok || scheme != "http" && scheme != "https" || host == "" || host[0] == '/' {
			return "got " + shown(maskUserinfo(n.val.(string))), `an address such as "https://witness.example/"`
		}
		return "", ""
	}}
}

func verifierKey() *spec {
	return &spec{kind: stringValue, check: func(n *node) (string, string) {
		if parts := strings.SplitN(n.val.(string), "+", 3); len(parts) != 3 || parts[0] == "" || len(parts[1]) != 8 || parts[2] == "" {
			return "got " + shown(n.val.(string)), `a verifier key, "name+id+base64"`
		}
		return "", ""
	}}
}

func durationSpec() *spec {
	return &spec{kind: stringValue, check: func(n *node) (string, string) {
		if d, err := time.ParseDuration(n.val.(string)); err != nil || d <= 0 || d > time.Hour {
			return "got " + shown(n.val.(string)), `a time up to an hour such as "500ms" or "5s"`
		}
		return "", ""
	}}
}

// proctor reads our own settings; relative paths are below home.
// The second answer is its table [environment], nil without one.
func (l *loader) proctor(home string) (Proctor, *node) {
	t, err := parseBuiltIn(proctorDefaults + reviewDefaults)
	if err != nil {
		l.r.fail(asError(err, proctorFileName))
		return Proctor{}, nil
	}
	file := path.Join(home, proctorFileName)
	own, err := l.document(LayerUser, file)
	if err != nil {
		l.r.fail(asError(err, file))
		return Proctor{}, nil
	}
	if own != nil {
		before := len(l.r.errs)
		l.check.validate(own, proctorSchema(), nil)
		if len(l.r.errs) > before {
			return Proctor{}, nil
		}
		t = merge(t, own)
	}
	for _, key := range [][]string{{"export", "batch_delay"}, {"export", "exit_timeout"}, {"approvals", "wait"}, {"review", "deadline"}, {"ledger", "heartbeat"}, {"ledger", "witness", "timeout"}} {
		d, _ := time.ParseDuration(t.text(key...)) // checked by the schema
		t.find(key...).val = int64(d)
	}
	for _, key := range [][]string{{"ledger", "retention", "max_age"}, {"bus", "keep"}} {
		age, _ := ParseAge(t.text(key...)) // checked by the schema
		t.find(key...).val = int64(age)
	}
	var p Proctor
	if err := decode(t, &p); err != nil {
		l.r.fail(&Error{File: file, Err: err})
	}
	for _, dir := range []*string{&p.Ledger.Dir, &p.Ledger.KeyFile, &p.Bus.CredsFile, &p.Bus.CAFile, &p.Bus.CertFile, &p.Bus.KeyFile} {
		if *dir != "" && !path.IsAbs(*dir) {
			*dir = path.Join(home, *dir)
		}
	}
	l.redactRules(home, &p)
	l.siem(home, &p, t.find("siem"))
	return p, t.find("environment")
}
