package shell

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"proctor/executor/sandbox"
	"proctor/executor/tool"
)

// Patcher proposes a patch whose paths are relative to dir; name is the tool that was called.
type Patcher interface {
	ProposeIn(dir, text, name string) (tool.Proposal, error)
}

// Options are the settings of a Manager. Dir is required, everything else has a default.
type Options struct {
	// Dir is the absolute working directory of commands that name none.
	Dir string
	// Env is the environment that commands get, "NAME=value"; the variables of environ.go are set on top.
	Env []string
	// Shell is the absolute path of the user's shell: by default SHELL of Env, else /bin/bash, else /bin/sh.
	Shell string
	// AllowLoginShell lets commands run in a login shell, which is then their default.
	AllowLoginShell bool
	// MaxOutputTokens caps what the model may ask to see; tool.DefaultOutputTokens by default.
	MaxOutputTokens int
	// MaxRunning bounds the processes in the background; 64 by default.
	MaxRunning int
	// FirstID is the first session id, 1 by default; a resumed session goes on above the old ones.
	FirstID int
	// MaxPoll bounds how long write_stdin waits when it sends nothing; 5 minutes by default.
	MaxPoll time.Duration
	// Limits are those of each command.
	Limits sandbox.Limits
	// AdditionalPermissions offers with_additional_permissions: a command may ask for more inside its sandbox.
	AdditionalPermissions bool
	// Patch takes over commands that are only apply_patch; without it they run as any other.
	Patch Patcher
}

const defaultRunning = 64

// withDefaults checks o and fills it in; all problems are reported at once.
func (o Options) withDefaults() (Options, error) {
	var problems []error
	if !filepath.IsAbs(o.Dir) {
		problems = append(problems, fmt.Errorf("working directory %q is not absolute", o.Dir))
	}
	if o.Shell == "" {
		o.Shell = userShell(o.Env)
	}
	if !filepath.IsAbs(o.Shell) || !known(o.Shell) {
		problems = append(problems, fmt.Errorf("shell %q: expected the absolute path of one of %s", o.Shell, strings.Join(shells, ", ")))
	}
	if o.MaxOutputTokens <= 0 {
		o.MaxOutputTokens = tool.DefaultOutputTokens
	}
	if o.MaxRunning <= 0 {
		o.MaxRunning = defaultRunning
	}
	if o.FirstID <= 0 {
		o.FirstID = 1
	}
	if o.MaxPoll <= 0 {
		o.MaxPoll = maxPoll
	}
	if len(problems) > 0 {
		return o, fmt.Errorf("make shell tools: %w", errors.Join(problems...))
	}
	o.Env = slices.Clone(o.Env)
	return o, nil
}

// shells are the programs that take -c and -lc SCRIPT the way policy/command reads it.
var shells = []string{"bash", "zsh", "sh", "dash", "ksh"}

// shellDirs are where a shell named by the model may live: a program of that name in
// the workspace would otherwise pass for a shell when the command is judged.
var shellDirs = []string{"/bin", "/usr/bin", "/usr/local/bin"}

func known(shell string) bool { return slices.Contains(shells, filepath.Base(shell)) }

func userShell(env []string) string {
	for _, e := range slices.Backward(env) {
		if s, ok := strings.CutPrefix(e, "SHELL="); ok && filepath.IsAbs(s) && known(s) && executable(s) {
			return s
		}
	}
	if executable("/bin/bash") {
		return "/bin/bash"
	}
	return "/bin/sh"
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// findShell is the path of the shell that a model asked for, or "".
func (o Options) findShell(name string) string {
	if name == "" || name == o.Shell {
		return o.Shell
	}
	if !known(name) {
		return ""
	}
	if filepath.IsAbs(name) {
		if slices.Contains(shellDirs, filepath.Dir(name)) && executable(name) {
			return name
		}
		return ""
	}
	if strings.Contains(name, "/") {
		return ""
	}
	for _, dir := range shellDirs {
		if path := filepath.Join(dir, name); executable(path) {
			return path
		}
	}
	return ""
}
