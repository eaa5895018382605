package command

import "strings"

// wrapper is a program that starts the command behind its own options.
type wrapper struct {
	operands int // words of its own before the command: a time limit, a folder, a user
	values   set // options that take the next word
}

// wrappers, with the options of GNU and util-linux. An option that is not listed may or may not take the next word: both
// readings are judged.
var wrappers = map[string]wrapper{
	"sudo":    {values: words("-u", "-g", "-h", "-p", "-C", "-r", "-t", "-T", "-U", "-D", "-R", "--user", "--group", "--host", "--prompt", "--chdir", "--chroot")},
	"doas":    {values: words("-u", "-C")},
	"env":     {values: words("-u", "-C", "--unset", "--chdir")},
	"nice":    {values: words("-n", "--adjustment")},
	"ionice":  {values: words("-c", "-n", "-p", "-P", "-u", "--class", "--classdata")},
	"chrt":    {operands: 1, values: words("-T", "-P", "-D")},
	"taskset": {operands: 1},
	"timeout": {operands: 1, values: words("-k", "-s", "--kill-after", "--signal")},
	"time":    {values: words("-f", "-o", "--format", "--output")},
	"gtime":   {values: words("-f", "-o", "--format", "--output")},
	"stdbuf":  {values: words("-i", "-o", "-e", "--input", "--output", "--error")},
	"xargs": {values: words("-a", "-d", "-E", "-I", "-L", "-n", "-P", "-s", "--arg-file", "--delimiter", "--max-args", "--max-procs",
		"--max-chars", "--process-slot-var")},
	"parallel":    {values: words("-a", "-j", "-n", "-N", "-I", "--jobs", "--colsep", "--delay", "--timeout", "--joblog")},
	"exec":        {values: words("-a")},
	"chroot":      {operands: 1},
	"flock":       {operands: 1, values: words("-w", "-E", "--timeout", "--wait")},
	"su":          {operands: 1, values: words("-s", "-g", "-G", "--shell", "--group")},
	"runuser":     {values: words("-u", "-s", "-g", "-G", "--user", "--shell", "--group")},
	"gosu":        {operands: 1},
	"su-exec":     {operands: 1},
	"setarch":     {operands: 1},
	"strace":      {values: words("-e", "-o", "-p", "-s", "-a", "-E", "-P", "-u")},
	"ltrace":      {values: words("-e", "-o", "-p", "-s", "-a", "-n", "-u")},
	"watch":       {values: words("-n", "--interval", "-q", "--equexit")},
	"unshare":     {values: words("-S", "-G", "-R", "-w", "--root", "--wd", "--setuid", "--setgid", "--propagation")},
	"nsenter":     {values: words("-t", "-S", "-G", "--target", "--setuid", "--setgid")},
	"systemd-run": {values: words("-p", "-u", "-H", "-M", "--property", "--unit", "--slice", "--setenv", "--uid", "--gid", "--working-directory")},
	"setpriv":     {values: words("--reuid", "--regid", "--groups", "--inh-caps", "--bounding-set", "--securebits")},
	"command":     {}, "builtin": {}, "nohup": {}, "setsid": {}, "fakeroot": {}, "proot": {values: words("-r", "-b", "-w", "-q")}, "busybox": {}, "toybox": {},
	"noglob": {}, "nocorrect": {}, "script": {}, "pkexec": {values: words("--user")}, "coproc": {}, "-": {}, "unbuffer": {}, "tini": {}, "dumb-init": {},
	"catchsegv": {}, "linux32": {}, "linux64": {}, "firejail": {}, "rlwrap": {},
}

// starts are the positions where the command behind a wrapper may begin.
func (w wrapper) starts(rest []word) []int {
	var out []int
	skip, unsure := w.operands, false
	for n := 0; n < len(rest) && len(out) < 4; n++ {
		v := rest[n].value
		switch {
		case v == "--":
			unsure = false
		case len(v) > 1 && (v[0] == '-' || v[0] == '+'):
			unsure = !w.values.has(v) && !strings.Contains(v, "=")
			if w.values.has(v) {
				n++
			}
		case isAssignment(v):
		case skip > 0:
			skip--
			if unsure { // it was the value of the option before it
				skip, unsure = skip+1, false
				out = append(out, n)
			}
		default:
			out = append(out, n)
			if !unsure {
				return out
			}
			unsure = false
		}
	}
	return out
}

// wrapped judges what follows a wrapper. A forced rm and a shell count at every position; more alarms than needed are the
// price.
func (i *inspector) wrapped(rest []word, w wrapper, depth int) {
	for n, v := range rest {
		if i.over {
			return
		}
		if forced, _ := removesByForce(rest[n:]); forced {
			i.found(FindingHiddenRemove)
		}
		if name := base(v.value); shells.has(name) {
			i.shell(rest[n:], name, depth, false)
		} else if name == "find" || scriptCarriers.has(name) {
			i.carried(rest[n+1:], depth)
		}
	}
	for _, n := range w.starts(rest) {
		if rest[n].value != "" && rest[n].literal {
			i.add(rest[n:])
		}
		i.command(rest[n:], depth, false)
	}
}

// shell judges NAME ... -c SCRIPT. Codex knows exactly three words with -c or -lc.
func (i *inspector) shell(cmd []word, name string, depth int, documented bool) {
	if len(cmd) == 3 && splitShells.has(name) && (cmd[1].value == "-c" || cmd[1].value == "-lc") {
		i.script(cmd[2], depth+1, documented)
		return
	}
	for n, w := range cmd[1:] {
		if len(w.value) > 1 && strings.IndexByte("-+", w.value[0]) >= 0 && strings.Contains(w.value, "c") {
			i.carried(cmd[n+2:], depth)
			return
		}
	}
}

// carried judges words that may be shell text, each by itself and all joined.
func (i *inspector) carried(rest []word, depth int) {
	if i.over {
		return
	}
	for _, w := range rest {
		if strings.ContainsAny(w.value, " \t\n;|&\\'\"") {
			i.script(word{value: withoutOption(w.value), literal: w.literal}, depth+1, false)
		}
	}
	if len(rest) > 1 {
		i.script(word{value: strings.Join(values(rest), " "), literal: true}, depth+1, false)
	} else if len(rest) == 1 {
		i.script(rest[0], depth+1, false)
	}
}

// withoutOption takes the text out of --option=TEXT and -STEXT.
func withoutOption(v string) string {
	if strings.HasPrefix(v, "--") {
		if _, text, ok := strings.Cut(v, "="); ok {
			return text
		}
	}
	return strings.TrimPrefix(v, "-S")
}
