package config

import (
	"fmt"
	"net/url"
	"path"
	"strings"
)

const maxSIEM = 16

func siemSchema() *spec {
	return table(map[string]*spec{
		"name": siemName(), "format": words("ndjson", "ocsf", "ecs", "cef"), "target": text(), "level": words("full", "redacted", "metadata"),
		"max_bytes": count(), "files": within(0, 1000), "token": text(), "index": text(), "source_type": text(),
		"ca_certificate": text(), "client_certificate": text(), "client_private_key": text(),
	})
}

func siemName() *spec {
	return &spec{kind: stringValue, what: "a name of letters, digits, - and _", check: func(n *node) (string, string) {
		if s := n.val.(string); !bareKey(s) || len(s) > 64 {
			return "got " + shown(s), "a name of at most 64 letters, digits, - and _"
		}
		return "", ""
	}}
}

// siem completes the destinations: what must be there is there, ${NAME} in the token is replaced from the environment, paths are absolute.
func (l *loader) siem(home string, p *Proctor, n *node) {
	seen := map[string]bool{}
	for i := range p.SIEM {
		s := &p.SIEM[i]
		at, key := n.items[i], fmt.Sprintf("siem[%d]", i)
		fail := func(name, got, expected string) {
			where := at
			if own := at.find(name); own != nil {
				where = own
			}
			l.r.failAt(where.origin, key+"."+name, got, expected, "")
		}
		switch {
		case s.Name == "":
			fail("name", "missing", "a name, which the position in the ledger is kept under")
		case seen[s.Name]:
			fail("name", "got "+shown(s.Name)+" twice", "a name of its own")
		}
		seen[s.Name] = true
		if s.Format == "" {
			s.Format = "ndjson"
		}
		if s.Level == "" {
			s.Level = "redacted"
		}
		if got := l.siemTarget(home, s); got != "" {
			fail("target", got, `"file:PATH", "tcp://HOST:PORT", "tls://HOST:PORT", or the "https://…" address of an HTTP Event Collector`)
		}
		token, missing := expandEnv(s.Token.Reveal(), l.opts.LookupEnv)
		if missing != "" {
			fail("token", fmt.Sprintf("environment variable %s is not set", missing), "")
		}
		s.Token = Secret(token)
		if (s.ClientCertificate == "") != (s.ClientPrivateKey == "") {
			fail("client_certificate", "one of client_certificate and client_private_key", "both or none")
		}
		for _, file := range []*string{&s.CACertificate, &s.ClientCertificate, &s.ClientPrivateKey} {
			if *file != "" && !path.IsAbs(*file) {
				*file = path.Join(home, *file)
			}
		}
	}
}

// siemTarget says what is wrong with a target, and makes the path of a file absolute.
func (l *loader) siemTarget(home string, s *ProctorSIEM) (got string) {
	if file, ok := strings.CutPrefix(s.Target, "file:"); ok {
		if file == "" {
			return "no path"
		}
		if file = l.expandHome(file); !path.IsAbs(file) {
			file = path.Join(home, file)
		}
		s.Target = "file:" + file
		return ""
	}
	u, err := url.Parse(s.Target)
	switch {
	case s.Target == "":
		return "missing"
	case err != nil || u.Host == "" || u.User != nil:
		return "got " + shown(s.Target)
	case u.Scheme == "tcp" || u.Scheme == "tls":
		if u.Port() == "" || u.Path != "" {
			return "got " + shown(s.Target)
		}
	case u.Scheme == "http" || u.Scheme == "https":
		if s.Token == "" {
			return "an HTTP Event Collector without token"
		}
	default:
		return "got " + shown(s.Target)
	}
	return ""
}
