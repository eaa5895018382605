package config

import (
	"fmt"
	"slices"
	"strings"

	"proctor/policy/filesystem"
)

func permissionsSpec() *spec {
	access := words(string(AccessRead), string(AccessWrite), string(AccessDeny), "none")
	roots := mapOf(boolean())
	roots.keys = checkRoot
	entries := mapOf(union(access, mapOf(access), &spec{kind: intValue, min: 1, max: 1 << 16, what: "a number of folders from 1 to 65536"}))
	entries.inspect = checkEntries
	entries.keys = checkEntryPath
	network := networkProxyFields()
	network["mitm"] = anything()
	return table(map[string]*spec{
		"description": text(), "extends": text(), "workspace_roots": roots,
		"filesystem": entries, "network": table(network),
	})
}

// flatWords are the words below which nothing can be named.
var flatWords = []string{filesystem.WordRoot, filesystem.WordMinimal, filesystem.WordTmpdir, filesystem.WordSlashTmp}

const depthKey = "glob_scan_max_depth"

func checkRoot(k string) (got, expected string) {
	if strings.HasPrefix(k, "/") || k == "~" || strings.HasPrefix(k, "~/") {
		return "", ""
	}
	return "relative path " + shown(k), "an absolute path or ~/…"
}

func checkEntryPath(k string) (got, expected string) {
	switch {
	case k == depthKey:
		return "", ""
	case !strings.HasPrefix(k, ":") && relative(k):
		return "relative path " + shown(k), "an absolute path, ~/…, or a word such as " + filesystem.WordWorkspaceRoots
	case slices.Contains(strings.Split(k, "/"), ".."):
		return "path " + shown(k) + " with ..", "a path without .."
	case strings.ContainsRune(k, 0):
		return "path " + shown(k) + " with a NUL byte", "a path without it"
	}
	return "", ""
}

func relative(k string) bool { got, _ := checkRoot(k); return got != "" }

// checkEntries looks at what the shape of a filesystem table cannot say, and reports each problem where it is written.
func checkEntries(r *report, n *node, at []string) {
	for _, k := range sortedKeys(n.kids) {
		v, key := n.kids[k], append(slices.Clip(at), k)
		fail := func(n *node, key []string, got, expected string) {
			r.failAt(n.origin, formatPath(key), got, expected, "")
		}
		if _, isInt := v.val.(int64); isInt != (k == depthKey) {
			fail(v, key, "got "+describe(v), "an access word for a path, a number for "+depthKey)
			continue
		}
		if v.isTable() && slices.Contains(flatWords, k) {
			fail(v, key, "entries below "+shown(k), "one access word for "+k)
			continue
		}
		if v.isTable() && filesystem.IsGlob(k) {
			fail(v, key, "entries below the pattern "+shown(k), "one access word for it")
			continue
		}
		if got, expected := checkGlob("/", k, v); got != "" {
			fail(v, key, got, expected)
		}
		for _, sub := range sortedKeys(v.kids) {
			got, expected := checkSub(sub)
			if got == "" {
				got, expected = checkGlob("", sub, v.kids[sub])
			}
			if got != "" {
				fail(v.kids[sub], append(slices.Clip(key), sub), got, expected)
			}
		}
	}
}

// checkSub refuses what does not lie below. "." is the place itself.
func checkSub(sub string) (got, expected string) {
	names := strings.Split(sub, "/")
	switch {
	case sub == ".":
		return "", ""
	case sub == "" || strings.HasPrefix(sub, "/") || strings.ContainsRune(sub, 0):
		return "got " + shown(sub), "a relative path"
	case slices.Contains(names, ".") || slices.Contains(names, ".."):
		return "path " + shown(sub) + " with . or ..", `a relative path without them, or "." for the place itself`
	}
	return "", ""
}

// checkGlob refuses patterns that would grant, only a denial may be one, and those that cannot be read.
func checkGlob(base, p string, access *node) (got, expected string) {
	grants := access.val == string(AccessRead) || access.val == string(AccessWrite)
	plain := strings.TrimSuffix(p, "/**")
	switch {
	case !filesystem.IsGlob(plain) || access.isTable():
		return "", ""
	case grants:
		return fmt.Sprintf("glob %s grants %v", shown(p), access.val), `"deny" for a glob; only a trailing /** may grant`
	}
	if _, err := filesystem.CompileGlob("/" + strings.TrimPrefix(p, base)); err != nil {
		return err.Error(), "a pattern of * ? [a-z] {a,b} and **"
	}
	return "", ""
}
