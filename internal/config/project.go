package config

import (
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// neverFromProject are the keys a project file may not set even when its folder
// is trusted: they choose where prompts, credentials and telemetry go, or which
// program of the user runs.
var neverFromProject = [][]string{
	{"openai_base_url"}, {"chatgpt_base_url"}, {"apps_mcp_product_sku"}, {"model_provider"}, {"model_providers"},
	{"notify"}, {"profile"}, {"profiles"}, {"otel"}, {"projects"},
	{"experimental_realtime_ws_base_url"}, {"experimental_realtime_webrtc_call_base_url"},
	{"features", "respect_system_proxy"},
}

// dropForbidden removes neverFromProject keys from a project document, with one
// warning naming the file and the keys.
func dropForbidden(doc *node, file string, r *report) {
	var dropped []string
	var first Origin
	for _, segs := range neverFromProject {
		parent := doc.find(segs[:len(segs)-1]...)
		last := segs[len(segs)-1]
		if !parent.isTable() || parent.kids[last] == nil {
			continue
		}
		if len(dropped) == 0 {
			first = parent.kids[last].origin
		}
		dropped = append(dropped, formatKey(segs))
		delete(parent.kids, last)
	}
	if len(dropped) == 0 {
		return
	}
	first.File, first.Layer = file, LayerProject
	r.warn(WarnDropped, first, dropped[0], "not accepted from a project file and ignored: %s; set them in the user's config.toml", strings.Join(dropped, ", "))
	r.warnings[len(r.warnings)-1].Keys = dropped
}

// defaultRootMarkers end the search for the project root.
var defaultRootMarkers = []string{".git"}

// projectRoot is the nearest ancestor of cwd, or cwd itself, that holds a
// marker; cwd when there is none.
func (f files) projectRoot(cwd string, markers []string) string {
	for dir, n := cwd, 0; n < maxProjectLevels; dir, n = path.Dir(dir), n+1 {
		for _, m := range markers {
			if f.exists(path.Join(dir, m)) {
				return dir
			}
		}
		if dir == "/" {
			break
		}
	}
	return cwd
}

// projectFolders are the folders from root down to cwd.
func projectFolders(root, cwd string) []string {
	folders := []string{cwd}
	for dir := cwd; dir != root && dir != "/" && len(folders) < maxProjectLevels; {
		dir = path.Dir(dir)
		folders = append(folders, dir)
	}
	slices.Reverse(folders)
	return folders
}

// trustOf looks a decision up for the folder, its project root and the main
// repository of a linked worktree, in that order; the first decision found counts.
func (f files) trustOf(projects *node, cwd, root string) Trust {
	for _, dir := range []string{cwd, root, f.mainRepository(root)} {
		if dir == "" || projects == nil {
			continue
		}
		for _, k := range sortedKeys(projects.kids) {
			level := Trust(projects.kids[k].text("trust_level"))
			if level != TrustUndecided && filepath.ToSlash(filepath.Clean(k)) == dir {
				return level
			}
		}
	}
	return TrustUndecided
}

// mainRepository is the folder whose repository root is a linked worktree of,
// empty when it is none. A .git file alone proves nothing, since an untrusted
// folder could name a trusted repository; the repository must name the worktree back.
func (f files) mainRepository(root string) string {
	pointer := path.Join(root, ".git")
	if f.isDir(pointer) {
		return ""
	}
	data, err := f.read(pointer)
	if err != nil || data == nil {
		return ""
	}
	gitdir, ok := strings.CutPrefix(strings.TrimSpace(string(data)), "gitdir:")
	if !ok {
		return ""
	}
	if gitdir = strings.TrimSpace(gitdir); !path.IsAbs(gitdir) {
		gitdir = path.Join(root, gitdir)
	}
	gitdir = path.Clean(gitdir)
	back, err := f.read(path.Join(gitdir, "gitdir"))
	if err != nil || path.Clean(strings.TrimSpace(string(back))) != pointer {
		return ""
	}
	worktrees := path.Dir(gitdir)
	if path.Base(worktrees) != "worktrees" || path.Base(path.Dir(worktrees)) != ".git" {
		return ""
	}
	return path.Dir(path.Dir(worktrees))
}
