package install

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"proctor/executor/hook"
	"proctor/internal/codexhook"
)

// Names of files in CODEX_HOME.
const (
	Environments = "environments.toml"
	Hooks        = "hooks.json"
	Config       = "config.toml"
	Record       = "proctor-install.json"
)

// Want says what to install.
type Want struct {
	Home string // CODEX_HOME, absolute, without symlinks
	// Program is the absolute path of proctor.
	Program    string
	ExecServer bool
	Hooks      bool
	// Otel is the address of 'proctor codex otel-receive' over HTTP, empty for none; Token what it asks for.
	Otel, Token string
	// Managed is the requirements.toml that the hooks go into instead, empty for none.
	Managed string
}

// ErrTaken means that somebody else's setting is where ours would go.
var ErrTaken = errors.New("it is set already")

const (
	begin = "# >>> proctor codex install: what follows is rewritten by it\n"
	end   = "# <<< proctor codex install\n"
)

// Plan is what the files should hold; now has what they hold, without those that are not there. A file that is not mentioned stays.
func Plan(w Want, now map[string][]byte) (map[string][]byte, error) {
	out := map[string][]byte{}
	var block strings.Builder
	if w.ExecServer {
		out[filepath.Join(w.Home, Environments)] = []byte(environments(w))
	}
	switch {
	case w.Hooks && w.Managed != "":
		rest, err := StripBlock(now[w.Managed])
		if err == nil && has(rest, "hooks") {
			err = fmt.Errorf("%s: [hooks]: %w; take it out, or add there: %s codex hook", w.Managed, ErrTaken, w.Program)
		}
		if err != nil {
			return nil, err
		}
		out[w.Managed] = withBlock(rest, managedHooks(w))
	case w.Hooks:
		path := filepath.Join(w.Home, Hooks)
		text, err := addHooks(w, now[path])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		out[path] = text
		trust, err := trusted(w, path, text)
		if err != nil {
			return nil, err
		}
		block.WriteString(trust)
	}
	path := filepath.Join(w.Home, Config)
	rest, err := StripBlock(now[path])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if w.Otel != "" {
		if has(rest, "otel") {
			return nil, fmt.Errorf("%s: [otel]: %w; point its exporter at %s/v1/logs yourself, or take it out", path, ErrTaken, w.Otel)
		}
		block.WriteString(otel(w))
	}
	if block.Len() > 0 {
		out[path] = withBlock(rest, block.String())
	}
	return out, nil
}

func environments(w Want) string {
	return begin + fmt.Sprintf(`default = "proctor"
include_local = false
[[environments]]
id = "proctor"
program = %s
args = ["codex", "exec-server"]
`, quote(w.Program)) + end
}

func otel(w Want) string {
	headers := ""
	if w.Token != "" {
		headers = ", headers = { Authorization = " + quote("Bearer "+w.Token) + " }"
	}
	return fmt.Sprintf("[otel]\nexporter = { otlp-http = { endpoint = %s, protocol = \"binary\"%s } }\n", quote(w.Otel+"/v1/logs"), headers)
}

// command is what the shell of Codex runs.
func command(w Want) string {
	program := w.Program
	if strings.ContainsFunc(program, func(r rune) bool {
		return !strings.ContainsRune("/._-+@%", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) {
		program = "'" + strings.ReplaceAll(program, "'", `'\''`) + "'"
	}
	return program + " codex hook"
}

func seconds(event string) int {
	if event == codexhook.SessionEnd || event == codexhook.Interrupt {
		return int(codexhook.EndTimeout.Seconds())
	}
	return int(codexhook.DefaultTimeout.Seconds())
}

func managedHooks(w Want) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[hooks]\nmanaged_dir = %s\n", quote(filepath.Dir(w.Program)))
	for _, event := range codexhook.Events {
		fmt.Fprintf(&b, "[[hooks.%s]]\n[[hooks.%s.hooks]]\ntype = \"command\"\ncommand = %s\ntimeout = %d\n", event, event, quote(command(w)), seconds(event))
	}
	return b.String()
}

// addHooks puts a group of ours behind those of others.
func addHooks(w Want, now []byte) ([]byte, error) {
	file, err := readHooks(now)
	if err != nil {
		return nil, err
	}
	groups := file.without()
	for _, event := range codexhook.Events {
		ours, err := json.Marshal(map[string]any{"hooks": []any{map[string]any{"type": "command", "command": command(w), "timeout": seconds(event)}}})
		if err != nil {
			return nil, err
		}
		groups[event] = append(groups[event], ours)
	}
	return file.with(groups)
}

// trusted are the entries by which Codex runs our hooks.
func trusted(w Want, path string, text []byte) (string, error) {
	var file struct {
		Hooks map[string]any `json:"hooks"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return "", err
	}
	definitions, _, err := hook.Parse(path, file.Hooks)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, d := range definitions {
		if d.Command == command(w) {
			fmt.Fprintf(&b, "[hooks.state.%s]\ntrusted_hash = %s\n", quote(d.Key), quote(d.Hash()))
		}
	}
	return b.String(), nil
}

// hooksFile is a hooks.json with its groups as they stand.
type hooksFile struct{ members map[string]json.RawMessage }

func readHooks(text []byte) (hooksFile, error) {
	f := hooksFile{map[string]json.RawMessage{}}
	if len(bytes.TrimSpace(text)) == 0 {
		return f, nil
	}
	if err := json.Unmarshal(text, &f.members); err != nil {
		return f, fmt.Errorf("expected a JSON object: %w; repair it first", err)
	}
	var groups map[string][]json.RawMessage
	if raw, ok := f.members["hooks"]; ok {
		if err := json.Unmarshal(raw, &groups); err != nil {
			return f, fmt.Errorf("hooks: expected lists of groups: %w; repair it first", err)
		}
	}
	return f, nil
}

// without are the groups of others, by event.
func (f hooksFile) without() map[string][]json.RawMessage {
	groups, kept := map[string][]json.RawMessage{}, map[string][]json.RawMessage{}
	_ = json.Unmarshal(f.members["hooks"], &groups) // readHooks did it before
	for event, list := range groups {
		for _, raw := range list {
			var g struct {
				Hooks []struct {
					Command string `json:"command"`
				} `json:"hooks"`
			}
			if json.Unmarshal(raw, &g) == nil && len(g.Hooks) == 1 && strings.HasSuffix(g.Hooks[0].Command, " codex hook") && strings.Contains(g.Hooks[0].Command, "proctor") {
				continue
			}
			kept[event] = append(kept[event], raw)
		}
	}
	return kept
}

func (f hooksFile) with(groups map[string][]json.RawMessage) ([]byte, error) {
	raw, err := json.Marshal(groups)
	if err != nil {
		return nil, err
	}
	f.members["hooks"] = raw
	b, err := json.MarshalIndent(f.members, "", "  ")
	return append(b, '\n'), err
}

// StripBlock is a TOML file without what is ours.
func StripBlock(text []byte) ([]byte, error) {
	at := bytes.Index(text, []byte(begin))
	if at < 0 {
		return text, nil
	}
	until := bytes.Index(text[at:], []byte(end))
	if until < 0 {
		return nil, fmt.Errorf("the line %q is missing; take out what is below %q by hand", strings.TrimSpace(end), strings.TrimSpace(begin))
	}
	return append(bytes.Clone(text[:at]), text[at+until+len(end):]...), nil
}

func withBlock(rest []byte, block string) []byte {
	out := bytes.Clone(rest)
	if len(out) > 0 && out[len(out)-1] != '\n' {
		out = append(out, '\n')
	}
	return append(out, begin+block+end...)
}

// has reports whether a TOML file sets a table or a key of the first level by name. It looks at lines: a doubtful one counts.
func has(text []byte, name string) bool {
	for line := range bytes.Lines(text) {
		s := strings.TrimLeft(strings.TrimSpace(string(line)), "[ \"'")
		rest, ok := strings.CutPrefix(s, name)
		if ok && (rest == "" || strings.ContainsRune("].=\"' \t", rune(rest[0]))) {
			return true
		}
	}
	return false
}

// quote makes a TOML string.
func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil { // unreachable
		return `""`
	}
	return string(b)
}
