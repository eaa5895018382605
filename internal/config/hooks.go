package config

import (
	"encoding/json"
	"path"
	"slices"
)

// HookSource is one place that names hooks. What the groups mean is for executor/hook to say.
type HookSource struct {
	Layer Layer  `json:"layer"`
	File  string `json:"file"` // as keys of hooks.state name it
	// Managed: it belongs to whoever administers the machine, and needs no trust.
	Managed bool           `json:"managed,omitempty"`
	Groups  map[string]any `json:"groups"` // by event
}

// HookState is what a person said of one hook, by its key. Project files say nothing here.
type HookState struct {
	TrustedHash string `json:"trusted_hash,omitempty"`
	Enabled     *bool  `json:"enabled,omitempty"`
}

const (
	hooksFileName = "hooks.json"
	// flagHooks stands for the file of hooks that come from -c.
	flagHooks = "/<session-flags>/config.toml"
)

// notGroups are the keys of a table of hooks that are no events.
var notGroups = []string{"state", "managed_dir", "windows_managed_dir"}

// hooks gathers the sources of hooks, those of the administrator first, and what is said of their trust.
func (l *loader) hooks(c *Config) {
	c.BypassHookTrust = l.opts.BypassHookTrust
	if managed := c.Requirements.tree.find("hooks"); managed.isTable() {
		file := managed.text("managed_dir")
		if file == "" {
			file = requirementsFile
		}
		c.addHooks(LayerRequirements, file, true, managed)
	}
	read := map[string]bool{}
	beside := func(name Layer, dir string) {
		if file := path.Join(dir, hooksFileName); !read[file] {
			read[file] = true
			l.hooksFile(c, name, file)
		}
	}
	beside(LayerSystem, path.Dir(systemConfigFile))
	if !l.opts.IgnoreUserConfig {
		beside(LayerUser, l.codex)
	}
	for _, one := range l.layers {
		file := one.file
		if one.name == LayerProject {
			beside(LayerProject, path.Dir(file))
		}
		if one.name == LayerFlag {
			file = flagHooks
		}
		if table := one.root.find("hooks"); table.isTable() {
			c.addHooks(one.name, file, one.name == LayerSystem || one.name == LayerManaged, table)
			if one.name != LayerProject {
				l.hookStates(c, table.find("state"))
			}
		}
	}
	if c.Trust == Trusted {
		for _, dir := range projectFolders(c.ProjectRoot, c.Cwd) {
			beside(LayerProject, path.Join(dir, projectFolder))
		}
	}
}

func (c *Config) addHooks(name Layer, file string, managed bool, table *node) {
	groups, _ := table.plain().(map[string]any)
	for _, key := range notGroups {
		delete(groups, key)
	}
	if len(groups) > 0 {
		c.Hooks = append(c.Hooks, HookSource{Layer: name, File: file, Managed: managed, Groups: groups})
	}
}

// hooksFile reads a hooks.json; it need not be there.
func (l *loader) hooksFile(c *Config, name Layer, file string) {
	data, err := l.files.read(file)
	if err != nil {
		l.r.fail(asError(err, file))
		return
	}
	if data == nil {
		return
	}
	var doc struct {
		Hooks map[string]any `json:"hooks"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		l.r.fail(&Error{File: file, Err: err, Expected: `{"hooks": {EVENT: [ ... ]}}`, Hint: "repair or remove the file, or use --disable hooks"})
		return
	}
	if len(doc.Hooks) > 0 {
		c.Hooks = append(c.Hooks, HookSource{Layer: name, File: file, Managed: name == LayerSystem, Groups: doc.Hooks})
	}
}

// hookStates are read one by one: of a later layer the fields that it sets count.
func (l *loader) hookStates(c *Config, table *node) {
	if !table.isTable() {
		return
	}
	if c.HookStates == nil {
		c.HookStates = map[string]HookState{}
	}
	for _, key := range sortedKeys(table.kids) {
		s := c.HookStates[key]
		if err := decode(table.kids[key], &s); err != nil {
			l.r.failAt(table.kids[key].origin, "hooks.state."+key, err.Error(), `{ trusted_hash = "sha256:..." }`, "")
			continue
		}
		c.HookStates[key] = s
	}
}

// HooksOn reports whether hooks run at all: those of the administrator unless requirements switch them off, all others
// where the feature is on.
func (c *Config) HooksOn(s HookSource) bool {
	if pinned, ok := c.Requirements.Features["hooks"]; ok && !pinned {
		return false
	}
	return s.Managed || c.Features["hooks"]
}

// ReviewRequired reports whether requirements say who answers prompts: then no hook of a person does.
func (c *Config) ReviewRequired() bool {
	r := c.Requirements
	return r.AllowedReviewers != nil || slices.Contains(r.RequiredOnModels, c.Model)
}
