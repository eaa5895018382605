package web

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"
	"time"

	"proctor/event"
	"proctor/replay"
)

var (
	//go:embed style.css
	style string
	//go:embed page.html
	pages string
)

// policy allows the one style sheet by its hash and nothing else.
var policy = sync.OnceValue(func() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
})

// maxText bounds one recorded text on a page, in bytes.
const maxText = 64 << 10

var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("pages").Funcs(template.FuncMap{
		"safe":    safe,
		"several": several,
		"tone":    toneClass,
		"status":  statusClass,
		"span":    func(d time.Duration) string { return d.Round(time.Millisecond).String() },
		"seconds": func(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) },
		"short":   func(lines []string) bool { return len(lines) <= 12 },
	}).Parse(pages))
})

// page is what the templates see.
type page struct {
	Title    string
	CSP      string
	Style    template.CSS // our own file
	List     bool         // there is a list to go back to
	More     bool         // not all entries are shown
	Timeline replay.Timeline
	Sessions []replay.Summary
}

func newPage(title string) page {
	return page{Title: title, CSP: policy(), Style: template.CSS(style)} //nolint:gosec // our own, embedded
}

// WriteHTML writes the entries of one session as a page of its own.
func WriteHTML(w io.Writer, entries []event.Entry) error {
	p := newPage("proctor session")
	p.Timeline = replay.Build(entries)
	if err := templates().ExecuteTemplate(w, "session", p); err != nil {
		return fmt.Errorf("write page of session %s: %w", p.Timeline.Session, err)
	}
	return nil
}

func safe(text string) string {
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + " […cut]"
	}
	return replay.Escape(text)
}

// several keeps the line ends of a text that may have several lines.
func several(text string) string {
	all := strings.Split(text, "\n")
	for i := range all {
		all[i] = safe(all[i])
	}
	return strings.Join(all, "\n")
}

func toneClass(t replay.Tone) string {
	switch t {
	case replay.Dim:
		return "dim"
	case replay.Good:
		return "good"
	case replay.Warn:
		return "warn"
	case replay.Bad:
		return "bad"
	default:
		return ""
	}
}

func statusClass(status string) string {
	switch status {
	case "completed":
		return "good"
	case "failed":
		return "bad"
	}
	return "warn"
}
