package terms

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/policy/execrules"
)

const (
	maxRuleFile  = 1 << 20
	maxRuleFiles = 256
)

// Rules loads the .rules files of every layer, weakest first, and the managed rules
// of the requirements. A file that does not load stops the start: it may hold the
// rule that forbids what comes next.
func Rules(cfg *config.Config, ignore bool) (*execrules.Rules, []execrules.File, error) {
	return RulesIn(cfg, ignore, func(dir string) string { return dir })
}

// RulesIn is Rules with the folders read at another place.
func RulesIn(cfg *config.Config, ignore bool, place func(dir string) string) (*execrules.Rules, []execrules.File, error) {
	var files []execrules.File
	var errs []error
	if !ignore {
		for _, dir := range cfg.RuleFolders() {
			found, err := readFolder(place(dir))
			files = append(files, found...)
			errs = append(errs, err)
		}
	}
	if managed := managedRules(cfg.Requirements.Rules); managed != "" {
		files = append(files, execrules.File{Name: "requirements.toml", Text: managed, Managed: true})
	}
	if err := errors.Join(errs...); err != nil {
		return nil, nil, cli.Fail(cli.Failure, err)
	}
	rules, err := execrules.Parse(files)
	if err != nil {
		return nil, nil, cli.Fail(cli.Failure, fmt.Errorf("execution rules: %w", err))
	}
	return rules, files, nil
}

func readFolder(dir string) ([]execrules.File, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) && strings.HasPrefix(dir, "/etc/") {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read rules folder: %w", err)
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return !strings.HasSuffix(e.Name(), ".rules") })
	if len(entries) > maxRuleFiles {
		return nil, fmt.Errorf("read rules folder %s: %d files, at most %d are allowed", dir, len(entries), maxRuleFiles)
	}
	var files []execrules.File
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		text, err := ReadRules(path)
		if err != nil {
			return nil, err
		}
		files = append(files, execrules.File{Name: path, Text: text})
	}
	return files, nil
}

// managedRules writes the rules of the requirements in the rules language: JSON
// strings and lists are Starlark strings and lists.
func managedRules(rules []config.PrefixRule) string {
	var b strings.Builder
	for _, r := range rules {
		fmt.Fprintf(&b, "prefix_rule(pattern=%s, decision=%s", starlark(r.Pattern), starlark(r.Decision))
		if strings.TrimSpace(r.Justification) != "" {
			fmt.Fprintf(&b, ", justification=%s", starlark(r.Justification))
		}
		b.WriteString(")\n")
	}
	return b.String()
}

func starlark(v any) string {
	b, err := json.Marshal(v)
	if err != nil { // strings and lists of strings always have a JSON form
		return "cli.Fail()"
	}
	return string(b)
}

// ReadRules reads one file of rules; one that is too large or no text is refused.
func ReadRules(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("read rules: %w", err)
	}
	switch {
	case info.IsDir():
		return "", fmt.Errorf("read rules %s: it is a folder; name the .rules files in it", path)
	case info.Size() > maxRuleFile:
		return "", fmt.Errorf("read rules %s: %d bytes, at most %d are allowed", path, info.Size(), maxRuleFile)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read rules: %w", err)
	}
	if !utf8.Valid(text) {
		return "", errors.New("read rules " + path + ": not UTF-8 text")
	}
	return string(text), nil
}
