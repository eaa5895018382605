package command

import (
	"slices"
	"strings"
)

// gitHazard: git commands that throw away work which no commit keeps, or rewrite what others have.
func gitHazard(args []string) string {
	rest, ok := gitSubcommand(args, gitTakesValue)
	if !ok {
		return ""
	}
	if discards, ok := gitDiscards[rest[0]]; ok && discards(rest[1:]) {
		return FindingDiscardsWork
	}
	return ""
}

// gitTakesValue are the global options of git that take the next word.
var gitTakesValue = words("-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--super-prefix", "--config-env", "--attr-source")

var gitDiscards = map[string]func(args []string) bool{
	"clean":    func(a []string) bool { return forced(a) && !hasShort(a, "n") && !hasLong(a, "--dry-run") },
	"reset":    func(a []string) bool { return hasLong(a, "--hard") },
	"push":     pushesOver,
	"checkout": func(a []string) bool { return forced(a) || wholeWorktree(a) },
	"restore": func(a []string) bool {
		return wholeWorktree(a) && (!hasLong(a, "--staged") || hasLong(a, "--worktree"))
	},
	"switch": func(a []string) bool { return forced(a) || hasLong(a, "--discard-changes") },
	"branch": func(a []string) bool {
		return hasShort(a, "D") || (hasShort(a, "d") || hasLong(a, "--delete")) && forced(a)
	},
	"stash":    func(a []string) bool { return len(a) > 0 && (a[0] == "drop" || a[0] == "clear") },
	"reflog":   func(a []string) bool { return len(a) > 0 && (a[0] == "expire" || a[0] == "delete") },
	"gc":       func(a []string) bool { return slices.Contains(a, "--prune=now") || slices.Contains(a, "--prune=all") },
	"worktree": func(a []string) bool { return len(a) > 0 && a[0] == "remove" && forced(a) },

	"filter-branch": func([]string) bool { return true },
	"filter-repo":   func([]string) bool { return true },
	"update-ref":    func(a []string) bool { return hasShort(a, "d") },
}

func forced(args []string) bool { return hasShort(args, "f") || hasLong(args, "--force") }

// wholeWorktree: everything below the working folder is named.
func wholeWorktree(args []string) bool {
	return slices.ContainsFunc(args, func(a string) bool { return a == "." || a == "./" || a == ":/" || a == "*" })
}

// pushesOver: history or branches of the remote are replaced or removed.
func pushesOver(args []string) bool {
	if forced(args) || hasShort(args, "d") || hasLong(args, "--force-with-lease", "--mirror", "--delete", "--prune") {
		return !hasShort(args, "n") && !hasLong(args, "--dry-run")
	}
	return slices.ContainsFunc(args, func(a string) bool { return len(a) > 1 && (a[0] == '+' || a[0] == ':') })
}

// git judges the shell text that some git commands run.
func (i *inspector) git(cmd []word, depth int) {
	for n, w := range cmd {
		if setting, ok := strings.CutPrefix(w.value, "alias."); ok && n > 0 && cmd[n-1].value == "-c" {
			if _, text, ok := strings.Cut(setting, "=!"); ok {
				i.script(word{value: text, literal: w.literal}, depth+1, false)
			}
		}
	}
	rest, ok := gitSubcommand(values(cmd), gitTakesValue)
	if !ok {
		return
	}
	args := cmd[len(cmd)-len(rest)+1:]
	switch {
	case rest[0] == "submodule" && len(args) > 1 && args[0].value == "foreach":
		i.carried(args[1:], depth)
	case rest[0] == "bisect" && len(args) > 1 && args[0].value == "run":
		i.wrapped(args[1:], wrapper{}, depth)
	case rest[0] == "rebase":
		for n, w := range args {
			if text, ok := strings.CutPrefix(w.value, "--exec="); ok {
				i.script(word{value: text, literal: w.literal}, depth+1, false)
			} else if (w.value == "-x" || w.value == "--exec") && n+1 < len(args) {
				i.script(args[n+1], depth+1, false)
			}
		}
	}
}
