package config

import (
	"path"
	"slices"
	"strings"
)

// Places that do not move.
const (
	systemConfigFile   = "/etc/codex/config.toml"
	managedConfigFile  = "/etc/codex/managed_config.toml"
	requirementsFile   = "/etc/codex/requirements.toml"
	configFileName     = "config.toml"
	projectFolder      = ".codex"
	proctorFileName    = "proctor.toml"
	maxProfileNameSize = 128
)

// layer is one source of settings, validated.
type layer struct {
	name Layer
	file string // "" for defaults
	root *node
}

// loader gathers the layers of one Load.
type loader struct {
	opts   Options
	files  files
	home   string
	codex  string
	r      *report
	check  checker
	schema *spec
	layers []layer // weakest first

	read  []Source
	trust Trust  // of the working folder
	root  string // of the project
}

// add validates a document and appends it as the strongest layer so far.
func (l *loader) add(name Layer, file string, root *node) {
	if root == nil {
		return
	}
	normalise(root)
	l.check.validate(root, l.schema, nil)
	if strings.HasPrefix(file, "--") { // --enable, --disable
		l.check.flagFeature(root)
	} else if name != LayerDefault {
		l.check.featuresIn(root.find("features"), []string{"features"}, WarnNote)
	}
	l.layers = append(l.layers, layer{name: name, file: file, root: root})
}

func (l *loader) addFile(name Layer, file string) {
	root, err := l.document(name, file)
	if err != nil {
		l.r.fail(asError(err, file))
		return
	}
	l.add(name, file, root)
}

func asError(err error, file string) *Error {
	if e, ok := err.(*Error); ok { //nolint:errorlint // one inside another error stays inside
		return e
	}
	return &Error{File: file, Err: err}
}

// normalise gives shorthands their long form, so that merging keeps the rest of
// the table: features.network_proxy = true must not drop the deny rules of a
// weaker layer.
func normalise(root *node) {
	normaliseProxy(root)
	for _, name := range sortedKeys(tableOf(root.find("profiles"))) {
		normaliseProxy(root.find("profiles", name))
	}
}

func normaliseProxy(root *node) {
	n := root.find("features", "network_proxy")
	if n == nil {
		return
	}
	if _, ok := n.val.(bool); ok {
		t := newTable(n.origin)
		t.kids["enabled"] = &node{val: n.val, origin: n.origin}
		root.find("features").kids["network_proxy"] = t
	}
}

func tableOf(n *node) map[string]*node {
	if n == nil {
		return nil
	}
	return n.kids
}

// gather reads every layer below the requirements, weakest first.
func (l *loader) gather() {
	defaults, err := parseBuiltIn(defaultsText)
	if err != nil {
		l.r.fail(asError(err, "built-in defaults"))
		return
	}
	if l.opts.ExcludeSecrets {
		defaults.find("shell_environment_policy", "ignore_default_excludes").val = false
	}
	l.add(LayerDefault, "", defaults)
	l.addFile(LayerSystem, systemConfigFile)
	if !l.opts.IgnoreUserConfig {
		l.addFile(LayerUser, path.Join(l.codex, configFileName))
	}
	l.profile()
	at := len(l.layers)
	l.overrides()
	l.addFile(LayerManaged, managedConfigFile)
	stronger := slices.Clone(l.layers[at:])
	l.decideTrust()
	l.layers = l.layers[:at]
	l.project()
	l.layers = append(l.layers, stronger...)
}

// profile adds [profiles.NAME] of the layers so far, then NAME.config.toml.
func (l *loader) profile() {
	name := l.opts.Profile
	if name == "" {
		return
	}
	if !validProfileName(name) {
		l.r.fail(&Error{File: "--profile", Err: &UsageError{Flag: shown(name), Msg: "not a profile name"}, Expected: "letters, digits, - and _"})
		return
	}
	found := false
	for _, from := range slices.Clone(l.layers) {
		if t := from.root.find("profiles", name); t.isTable() {
			l.layers = append(l.layers, layer{name: LayerProfile, file: from.file, root: relabel(t, LayerProfile)})
			found = true
		}
	}
	before := len(l.layers)
	file := path.Join(l.codex, name+"."+configFileName)
	l.addFile(LayerProfile, file)
	if !found && len(l.layers) == before {
		l.r.warn(WarnNote, Origin{Layer: LayerFlag, File: "--profile"}, "profile",
			"profile %q is neither in %s nor a [profiles.%s] table; nothing was added", name, file, name)
	}
}

func validProfileName(name string) bool {
	return len(name) <= maxProfileNameSize && bareKey(name)
}

// relabel copies n as part of another layer.
func relabel(n *node, name Layer) *node {
	c := n.clone()
	var walk func(*node)
	walk = func(n *node) {
		n.origin.Layer = name
		for _, kid := range n.kids {
			walk(kid)
		}
		for i, item := range n.items {
			n.items[i] = item.clone()
			walk(n.items[i])
		}
	}
	walk(c)
	return c
}

// overrides adds -c flags in order, then the flags with names of their own. The
// three keys of settledKeys are left to constrain, where they beat managed_config.toml.
func (l *loader) overrides() {
	if len(l.opts.Overrides) > maxOverrides {
		l.r.fail(&Error{File: overrideFile, Got: "too many flags"})
		return
	}
	merged := (*node)(nil)
	for _, arg := range l.opts.Overrides {
		one, err := parseOverride(arg)
		if err != nil {
			l.r.fail(asError(err, overrideFile))
			continue
		}
		normalise(one)
		if merged == nil {
			merged = one
		} else {
			merged = merge(merged, one)
		}
	}
	l.add(LayerFlag, overrideFile, merged)
	for _, f := range l.opts.Flags {
		o := Origin{Layer: LayerFlag, File: f.Name}
		if f.Name == fullAutoFlag {
			l.r.warn(WarnDeprecated, o, f.Key, "deprecated; use --sandbox workspace-write")
		}
		segs, err := splitKey(f.Key)
		if err != nil {
			l.r.fail(&Error{File: f.Name, Key: f.Key, Err: err})
			continue
		}
		root := newTable(o)
		root.put(buildAt(flagValue(f.Value), o), segs...)
		l.add(LayerFlag, f.Name, root)
	}
}

// flagValue admits the Go types a caller is likely to pass.
func flagValue(v any) any {
	switch v := v.(type) {
	case int:
		return int64(v)
	case []string:
		s := make([]any, len(v))
		for i := range v {
			s[i] = v[i]
		}
		return s
	default:
		return v
	}
}

// decideTrust looks at every layer but the project's own.
func (l *loader) decideTrust() {
	merged := l.merged()
	l.root = l.files.projectRoot(l.opts.Cwd, rootMarkers(merged))
	l.trust = l.files.trustOf(merged.find("projects"), l.opts.Cwd, l.root)
	if l.trust == TrustUndecided && l.opts.Trust {
		l.trust = Trusted
	}
}

func rootMarkers(merged *node) []string {
	n := merged.find("project_root_markers")
	if n == nil || !n.array {
		return defaultRootMarkers
	}
	var markers []string
	for _, item := range n.items {
		if s, _ := item.val.(string); s != "" && !strings.Contains(s, "/") {
			markers = append(markers, s)
		}
	}
	return markers
}

func (l *loader) merged() *node {
	out := newTable(Origin{Layer: LayerDefault})
	for _, one := range l.layers {
		out = merge(out, one.root)
	}
	return out
}

// project adds the files of a trusted folder; of another it only says that they
// were left out.
func (l *loader) project() {
	for _, dir := range projectFolders(l.root, l.opts.Cwd) {
		folder := path.Join(dir, projectFolder)
		file := path.Join(folder, configFileName)
		if folder == l.codex || !l.files.exists(file) {
			continue
		}
		if l.trust != Trusted {
			l.r.warn(WarnNote, Origin{Layer: LayerProject, File: file}, "projects",
				"project settings are ignored because %s is not trusted", l.root)
			continue
		}
		doc, err := l.document(LayerProject, file)
		if err != nil {
			l.r.fail(asError(err, file))
			continue
		}
		if doc == nil {
			continue
		}
		dropForbidden(doc, file, l.r)
		l.add(LayerProject, file, doc)
	}
}
