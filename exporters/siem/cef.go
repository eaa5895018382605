package siem

import (
	"fmt"
	"strings"

	"proctor/event"
	"proctor/internal/redact"
)

// cefVersion is the version of the Common Event Format; cefDevice the version of our mapping, which stands as the device's.
const (
	cefVersion = "CEF:0"
	cefDevice  = "1"
)

// cefSeverities are those of CEF, 0 to 10.
var cefSeverities = map[event.Severity]int{event.Info: 3, event.Warn: 6, event.Error: 8}

// maxCEF bounds one value of an extension in bytes, as consumers do.
const maxCEF = 4000

// mapCEF writes CEF:0|vendor|product|version|signature|name|severity|extension. In the header backslash and pipe are escaped; in
// values of the extension backslash and equals sign, and line breaks are written as \n.
func mapCEF(entry event.Entry, view redact.View) ([]byte, error) {
	f := look(entry, view)
	e := f.Event
	var b strings.Builder
	fmt.Fprintf(&b, "%s|proctor|proctor|%s|%s|%s|%d|", cefVersion, cefDevice, cefHeader(string(f.Kind)), cefHeader(f.about.Meaning), cefSeverities[f.about.Severity])
	first := true
	put := func(key, value string) {
		if value == "" {
			return
		}
		if !first {
			b.WriteByte(' ')
		}
		first = false
		b.WriteString(key + "=" + cefValue(value))
	}
	_, commandLine := f.argv()
	put("rt", fmt.Sprint(e.Time.UnixMilli()))
	put("externalId", string(e.ID))
	put("cat", string(f.Kind))
	put("act", f.text("outcome", "network.policy.decision", "status", "decision"))
	put("outcome", outcome(f))
	put("reason", f.text("reason", "network.policy.reason"))
	put("suser", strings.TrimPrefix(or(f.text("voter", "by"), string(e.Actor)), "user:"))
	put("dhost", f.text("server.address"))
	put("dpt", f.text("server.port"))
	put("app", f.text("network.transport.protocol"))
	put("requestMethod", f.text("http.request.method"))
	put("fname", f.text("path"))
	put("sproc", f.text("program"))
	put("dproc", commandLine)
	put("msg", f.text("message", "rationale", "error", "error.message", "arguments"))
	custom := [][2]string{
		{"sessionId", e.Session}, {"turnId", e.Turn}, {"callId", e.Call}, {"rule", f.text("rule")}, {"tool", f.text("tool_name")}, {"leafHash", f.Leaf.String()},
	}
	for i, c := range custom {
		if c[1] != "" {
			put(fmt.Sprintf("cs%dLabel", i+1), c[0])
			put(fmt.Sprintf("cs%d", i+1), c[1])
		}
	}
	put("cn1Label", "ledgerSeq")
	put("cn1", fmt.Sprint(uint64(f.Seq)))
	put("cn2Label", "sessionSeq")
	put("cn2", fmt.Sprint(f.SessionSeq))
	return []byte(b.String()), nil
}

var (
	cefHeaders = strings.NewReplacer(`\`, `\\`, `|`, `\|`, "\r\n", " ", "\n", " ", "\r", " ")
	cefValues  = strings.NewReplacer(`\`, `\\`, `=`, `\=`, "\r\n", `\n`, "\n", `\n`, "\r", `\r`)
)

func cefHeader(s string) string { return cefHeaders.Replace(s) }

func cefValue(s string) string {
	if len(s) > maxCEF {
		s = strings.ToValidUTF8(s[:maxCEF], "")
	}
	return cefValues.Replace(s)
}
