package command

// Source of the tables: reference/codex-sandbox-approvals.md section 6 (known-safe list of May 2026, dangerous list of
// 0.169.0).

import "slices"

type set []string

// words is a set that needs no work at the start of the program.
func words(list ...string) set { return list }

func (s set) has(word string) bool { return slices.Contains(s, word) }

// anyArgs are safe with every argument.
var anyArgs = words("cat", "cd", "cut", "echo", "expr", "false", "grep", "head", "id", "ls", "nl", "numfmt", "paste", "pwd", "rev",
	"seq", "stat", "tac", "tail", "tr", "true", "uname", "uniq", "wc", "which", "whoami")

// withoutOptions are safe unless an argument is one of the options, alone or followed by "=".
var withoutOptions = map[string]set{
	"find": words("-exec", "-execdir", "-ok", "-okdir", "-delete", "-fls", "-fprint", "-fprint0", "-fprintf"),
	"rg":   words("--pre", "--hostname-bin", "--search-zip", "-z"),
}

var (
	gitReads = words("status", "log", "diff", "show", "branch")
	// gitGlobalValue take the next word as value.
	gitGlobalValue = words("-C", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--super-prefix")
	// gitWrites write a file or start another program.
	gitWrites     = words("--output", "--ext-diff", "--textconv", "--exec", "--paginate")
	gitBranchRead = words("--list", "-l", "--show-current", "-a", "--all", "-r", "--remotes", "-v", "-vv", "--verbose")
	// gitForeign let a repository that the agent may have written bring its own configuration.
	gitForeign = []string{"--git-dir", "--exec-path"}
)

// splitShells run a script that is split; shells are all that run one.
var (
	splitShells = words("bash", "zsh", "sh")
	shells      = words("bash", "zsh", "sh", "dash", "ash", "ksh", "mksh", "rbash", "fish", "csh", "tcsh", "yash")
)

// scriptCarriers take shell text as an argument, or join their arguments to one.
var scriptCarriers = words("eval", "watch", "trap", "su", "runuser", "script", "flock", "env", "parallel", "xargs")

// findRuns are the find actions that start a command.
var findRuns = words("-exec", "-execdir", "-ok", "-okdir")

// systemDirs hold programs that the agent cannot replace.
var systemDirs = words("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin")
