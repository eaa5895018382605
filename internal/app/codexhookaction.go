package app

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"proctor/event"
	"proctor/executor/tool/patch"
	"proctor/internal/codexhook"
)

// Names of tools in payloads.
const (
	toolShell = "Bash"
	toolPatch = "apply_patch"
)

// hookAction is what a payload asks for; ok is false for tools that our policy has nothing to say about. An error means that it has,
// and that the payload cannot be read.
func hookAction(p codexhook.Payload) (_ event.Action, ok bool, err error) {
	switch p.Tool {
	case toolShell:
		a, err := hookCommand(p)
		return a, true, err
	case toolPatch:
		a, err := hookEdit(p)
		return a, true, err
	}
	return event.Action{}, false, nil
}

func hookCommand(p codexhook.Payload) (event.Action, error) {
	in, err := hookInput(p)
	if err != nil {
		return event.Action{}, err
	}
	a := event.Action{Kind: event.ActionCommand, Tool: p.Tool, Cwd: p.Cwd}
	var line string
	switch {
	case json.Unmarshal(in["command"], &line) == nil:
		a.Argv = []string{"bash", "-lc", line}
	case json.Unmarshal(in["command"], &a.Argv) != nil || len(a.Argv) == 0:
		return event.Action{}, fmt.Errorf("%w: no command", errHookInput)
	}
	if p.Event == codexhook.PermissionRequest { // it is only asked for what is to leave the sandbox
		a.Permissions = event.RequireEscalated
		_ = json.Unmarshal(in["description"], &a.Justification) // a text, or there is none
	}
	return a, nil
}

func hookEdit(p codexhook.Payload) (event.Action, error) {
	in, err := hookInput(p)
	if err != nil {
		return event.Action{}, err
	}
	var text string
	for _, name := range []string{"command", "input", "patch"} {
		if json.Unmarshal(in[name], &text) == nil && text != "" {
			break
		}
	}
	parsed, err := patch.Parse(text)
	if err != nil {
		return event.Action{}, fmt.Errorf("%w: %w", errHookInput, err)
	}
	a := event.Action{Kind: event.ActionPatch, Tool: p.Tool, Cwd: p.Cwd, Patch: text}
	for _, op := range parsed.Ops {
		for _, path := range []string{op.Path, op.MoveTo} {
			if path != "" {
				a.Files = append(a.Files, canonical(p.Cwd, path))
			}
		}
	}
	return a, nil
}

// canonical is the absolute path of a file that may not exist yet, without symlinks in front of it.
func canonical(cwd, path string) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(cwd, path)
	}
	path = filepath.Clean(path)
	for dir, rest := path, ""; ; {
		if at, err := filepath.EvalSymlinks(dir); err == nil {
			return filepath.Join(at, rest)
		}
		up := filepath.Dir(dir)
		if up == dir {
			return path
		}
		dir, rest = up, filepath.Join(filepath.Base(dir), rest)
	}
}
