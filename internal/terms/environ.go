package terms

import (
	"path/filepath"
	"slices"
	"strings"

	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/policy/filesystem"
)

// Environ is what a command gets of our environment: shell_environment_policy applied, and without the variables by
// which a file that commands can write would run inside everything they start. What the policy sets stays as it is set.
func Environ(env cli.Env, cfg *config.Config, plan filesystem.Plan) []string {
	p := cfg.ShellEnvironmentPolicy
	var out []string
	for _, variable := range p.Apply(env.Environ) {
		name, value, _ := strings.Cut(variable, "=")
		if _, set := p.Set[name]; !set {
			var keep bool
			if value, keep = harmlessValue(name, value, plan, cfg.Cwd, realPath); !keep {
				continue
			}
		}
		out = append(out, name+"="+value)
	}
	return out
}

// systemFolders are where libraries that the loader is told to put first may come from.
var systemFolders = []string{"/lib", "/lib32", "/lib64", "/usr", "/opt", "/nix/store", "/snap", "/run/current-system/sw"}

// harmlessValue is what of a value may pass, and whether the variable may at all. BASH_ENV and ENV name a file that every
// shell runs first: out. LD_PRELOAD and LD_AUDIT pass what comes from the system, LD_LIBRARY_PATH what no command
// can write: relative, empty and writable folders are left out of it. real resolves symlinks.
func harmlessValue(name, value string, plan filesystem.Plan, cwd string, real func(string) (string, bool)) (string, bool) {
	var keep func(entry string) bool
	separators := ":"
	switch name {
	case "BASH_ENV", "ENV":
		return "", false
	case "LD_PRELOAD", "LD_AUDIT":
		separators = ": "
		keep = func(entry string) bool {
			at, ok := real(entry)
			bare := !strings.Contains(entry, "/") // looked up in the folders of the loader
			return bare || ok && within(at, systemFolders) && !writableByCommands(plan, at, cwd)
		}
	case "LD_LIBRARY_PATH":
		separators = ":;"
		keep = func(entry string) bool {
			at, ok := real(entry)
			return ok && !writableByCommands(plan, at, cwd)
		}
	default:
		return value, true
	}
	entries := strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(separators, r) })
	entries = slices.DeleteFunc(entries, func(e string) bool { return !keep(e) })
	return strings.Join(entries, ":"), len(entries) > 0
}

// writableByCommands also counts what another run may have written: the workspace and the folders for temporary files.
func writableByCommands(plan filesystem.Plan, path, cwd string) bool {
	return within(path, []string{cwd, "/tmp", "/var/tmp", "/dev/shm"}) || !plan.Unconfined && plan.CheckWrite(path).Allowed
}

func within(path string, folders []string) bool {
	return slices.ContainsFunc(folders, func(dir string) bool { return filesystem.Within(path, dir) })
}

// realPath is false for a path that is relative or not there.
func realPath(path string) (string, bool) {
	if !filepath.IsAbs(path) {
		return "", false
	}
	at, err := filepath.EvalSymlinks(path)
	return at, err == nil
}
