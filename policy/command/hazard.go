package command

import (
	"path"
	"slices"
	"strings"
)

// hazard returns the finding for a program that destroys what nothing brings back, or "". What a sandbox confines and a
// build does every day (rm of named files, find -name x -delete, chmod -R of one folder) is none.
func hazard(name string, args []word) string {
	if f, ok := hazards[name]; ok {
		return f(values(args))
	}
	if strings.HasPrefix(name, "mkfs.") {
		return formats(values(args))
	}
	return ""
}

var hazards = map[string]func(args []string) string{
	"rm": removesRoot, "shred": shreds, "srm": shreds, "truncate": truncates, "find": findDeletes,
	"mkfs": formats, "mke2fs": formats, "mkswap": formats, "blkdiscard": formats, "wipefs": wipes,
	"dd": copiesToDevice, "tee": writesDevice, "cp": writesDevice,
	"chmod": opensPermissions, "chown": ownsRoot, "chgrp": ownsRoot,
	"git": gitHazard,
}

func helps(args []string) bool {
	return len(args) == 0 || slices.Contains(args, "--help") || slices.Contains(args, "--version")
}

func shreds(args []string) string {
	if helps(args) {
		return ""
	}
	return FindingDestroysFiles
}

func formats(args []string) string {
	if helps(args) || slices.Contains(args, "-V") {
		return ""
	}
	return FindingDestroysDevice
}

// wipes: without -a or -o the program only lists.
func wipes(args []string) string {
	if !helps(args) && hasLong(args, "--all", "--offset") || hasShort(args, "ao") && !hasShort(args, "n") {
		return FindingDestroysDevice
	}
	return ""
}

// truncates: to nothing, or to less than there is. Growing a file loses nothing.
func truncates(args []string) string {
	for n, a := range args {
		size := ""
		switch {
		case (a == "-s" || a == "--size") && n+1 < len(args):
			size = args[n+1]
		case strings.HasPrefix(a, "--size="):
			size = strings.TrimPrefix(a, "--size=")
		case strings.HasPrefix(a, "-s"), strings.HasPrefix(a, "-cs"):
			size = a[strings.IndexByte(a, 's')+1:]
		}
		if size != "" && (strings.Trim(size, "0") == "" || strings.IndexByte("-<", size[0]) >= 0) {
			return FindingDestroysFiles
		}
	}
	return ""
}

// removesRoot: rm -r of everything below a root, home or working folder.
func removesRoot(args []string) string {
	if (hasShort(args, "rR") || hasLong(args, "--recursive")) && slices.ContainsFunc(args, wholeTree) {
		return FindingDestroysFiles
	}
	return ""
}

// wholeTree: the path names a root, a home, a system folder or everything in the working folder.
func wholeTree(p string) bool {
	if p == "" || p[0] == '-' {
		return false
	}
	trimmed := strings.TrimSuffix(strings.TrimSuffix(p, "*"), "/")
	switch trimmed {
	case "", ".", "..", "~", "./", "./.":
		return true
	}
	return systemTrees.has(path.Clean(trimmed))
}

var systemTrees = words("/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/opt", "/proc", "/root", "/sbin", "/srv", "/sys", "/usr", "/usr/bin",
	"/usr/lib", "/usr/local", "/var", "/var/lib")

// findDeletes: -delete without a test that selects.
func findDeletes(args []string) string {
	if !slices.Contains(args, "-delete") {
		return ""
	}
	for n, a := range args {
		if findSelects.has(a) && (a == "-empty" || n+1 < len(args) && strings.Trim(args[n+1], "*./") != "") {
			return ""
		}
	}
	return FindingDestroysFiles
}

var findSelects = words("-name", "-iname", "-path", "-ipath", "-wholename", "-iwholename", "-regex", "-iregex", "-empty", "-samefile", "-inum", "-lname", "-ilname",
	"-newer", "-anewer", "-cnewer", "-mtime", "-mmin", "-atime", "-amin", "-ctime", "-cmin", "-size", "-perm", "-user", "-group")

func copiesToDevice(args []string) string {
	for _, a := range args {
		if to, ok := strings.CutPrefix(a, "of="); ok && rawDevice(to) {
			return FindingDestroysDevice
		}
	}
	return ""
}

func writesDevice(args []string) string {
	if len(args) > 0 && rawDevice(args[len(args)-1]) {
		return FindingDestroysDevice
	}
	return ""
}

// rawDevice: a file below /dev that holds data. What every program writes to is none.
func rawDevice(p string) bool {
	p = path.Clean(p)
	name, ok := strings.CutPrefix(p, "/dev/")
	if !ok {
		return false
	}
	first, _, _ := strings.Cut(name, "/")
	return !harmlessDevices.has(first) && !strings.HasPrefix(first, "tty")
}

var harmlessDevices = words("null", "zero", "full", "random", "urandom", "stdin", "stdout", "stderr", "fd", "pts", "ptmx", "shm", "console", "tcp", "udp", "log", "mqueue", "kmsg")

// opensPermissions: chmod -R that lets everybody write or nobody read, that makes programs run as their owner, or that
// reaches a whole system tree.
func opensPermissions(args []string) string {
	if !hasShort(args, "R") && !hasLong(args, "--recursive") {
		return ""
	}
	mode := slices.IndexFunc(args, func(a string) bool { return !strings.HasPrefix(a, "-") })
	if mode >= 0 && (wideMode(args[mode]) || slices.ContainsFunc(args[mode:], systemTree)) {
		return FindingOpensPermissions
	}
	return ""
}

func wideMode(mode string) bool {
	if strings.Trim(mode, "01234567") == "" && mode != "" {
		digits := strings.TrimLeft(mode, "0")
		return digits == "" || strings.IndexByte("2367", mode[len(mode)-1]) >= 0 || len(digits) > 3 && digits[0] >= '4'
	}
	return slices.ContainsFunc(strings.Split(mode, ","), wideClause)
}

// wideClause: WHO, + - or =, rights.
func wideClause(clause string) bool {
	at := strings.IndexAny(clause, "+-=")
	if at < 0 || strings.Trim(clause[:at], "ugoa") != "" || strings.Trim(clause[at+1:], "rwxXst") != "" {
		return false
	}
	who, op, rights := clause[:at], clause[at], clause[at+1:]
	all := strings.Contains(who, "a")
	switch op {
	case '-':
		return all && strings.Contains(rights, "r")
	case '=':
		if all && rights == "" {
			return true
		}
	}
	return (all || strings.Contains(who, "o")) && strings.Contains(rights, "w") || !strings.ContainsAny(who, "go") && strings.Contains(rights, "s")
}

func ownsRoot(args []string) string {
	if (hasShort(args, "R") || hasLong(args, "--recursive")) && slices.ContainsFunc(args, systemTree) {
		return FindingOpensPermissions
	}
	return ""
}

func systemTree(p string) bool {
	return strings.HasPrefix(p, "/") && systemTrees.has(path.Clean(strings.TrimSuffix(p, "*"))) || p == "~" || p == "~/"
}

func hasShort(args []string, letters string) bool {
	for _, a := range args {
		if a == "--" {
			return false
		}
		if shortOption(a, letters) {
			return true
		}
	}
	return false
}

// hasLong: one of the long options, or an unambiguous beginning of at least three letters.
func hasLong(args []string, options ...string) bool {
	for _, a := range args {
		if a == "--" {
			return false
		}
		name, _, _ := strings.Cut(a, "=")
		for _, o := range options {
			if name == o || len(name) >= len("--xyz") && strings.HasPrefix(o, name) {
				return true
			}
		}
	}
	return false
}
