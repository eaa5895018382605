package reconcile

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"proctor/policy/execrules"
)

// maxShells bounds shells in shells that are taken off a command.
const maxShells = 8

// script is a command line without the shells around it: what a model asks for as `x`, Codex runs as bash -lc 'x' and prints as one line.
func script(line string) string {
	for range maxShells {
		words, err := execrules.SplitWords(line)
		if err != nil || len(words) != 3 || !isShell(words[0]) || words[1] != "-c" && words[1] != "-lc" {
			break
		}
		line = words[2]
	}
	return strings.TrimSpace(line)
}

func scriptOf(argv []string) string {
	if len(argv) == 3 && isShell(argv[0]) && (argv[1] == "-c" || argv[1] == "-lc") {
		return script(argv[2])
	}
	return script(strings.Join(argv, " "))
}

func isShell(name string) bool {
	return slices.Contains([]string{"bash", "sh", "zsh", "dash"}, path.Base(name))
}

// patchLine names a file of a patch.
var patchLine = regexp.MustCompile(`(?m)^\*\*\* (?:(Add File|Update File|Delete File)|Move to): (.+?)[ \r]*$`)

// patchFiles are the files that a patch text names; moved are the new names among them.
func patchFiles(text string) (files, moved []string) {
	for _, m := range patchLine.FindAllStringSubmatch(text, -1) {
		if m[1] == "" {
			moved = append(moved, m[2])
		} else {
			files = append(files, m[2])
		}
	}
	return files, moved
}

// patchName is what a patch does, for joining: the last names of its files. Where they are is told in several ways.
func patchName(files []string) string {
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = path.Base(f)
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

// sameFile: one path may be below a working folder that only the other one names.
func sameFile(a, b string) bool {
	if len(a) < len(b) {
		a, b = b, a
	}
	return a == b || !path.IsAbs(b) && strings.HasSuffix(a, "/"+strings.TrimPrefix(path.Clean(b), "./"))
}

// exitLine is in what Codex puts before the output of a command. A command cannot write there.
var exitLine = regexp.MustCompile(`(?m)^(?:Process exited with code|Exit code:) (-?\d{1,9})$`)

// exitIn is the exit status in the head of an output as the model was given it.
func exitIn(output string) *int {
	head, _, ok := strings.Cut(output, "\nOutput:\n")
	if !ok || !slices.ContainsFunc([]string{"Chunk ID: ", "Wall time: ", "Exit code: "}, func(first string) bool { return strings.HasPrefix(head, first) }) {
		return nil
	}
	m := exitLine.FindStringSubmatch(head)
	if m == nil {
		return nil
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return nil
	}
	return &n
}

// arguments are the members that say what a call does, by the names of all sources.
type arguments struct {
	Cmd     string          `json:"cmd"`
	Command json.RawMessage `json:"command"`
	Changes []struct {
		Path string `json:"path"`
	} `json:"changes"`
}

// plainJSON is JSON in one form, so that two sources can be compared; other text as it stands.
func plainJSON(raw string) string {
	var v any
	if json.Unmarshal([]byte(raw), &v) != nil {
		return raw
	}
	b, err := json.Marshal(v)
	if err != nil { // unreachable: it came from JSON
		return raw
	}
	return string(b)
}

// commandIn is the script of a shell call.
func commandIn(raw string) (string, bool) {
	var a arguments
	if json.Unmarshal([]byte(raw), &a) != nil {
		return "", false
	}
	var line string
	var argv []string
	switch {
	case a.Cmd != "":
		return script(a.Cmd), true
	case json.Unmarshal(a.Command, &line) == nil && line != "":
		return script(line), true
	case json.Unmarshal(a.Command, &argv) == nil && len(argv) > 0:
		return scriptOf(argv), true
	}
	return "", false
}
