package config

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"proctor/policy/filesystem"
)

// modeOfProfile and profileOfMode pair the legacy words with the built-in profiles.
var profileOfMode = map[SandboxMode]string{ReadOnly: ProfileReadOnly, WorkspaceWrite: ProfileWorkspace, DangerFullAccess: ProfileFullAccess}

func modeOfProfile(name string) (SandboxMode, bool) {
	for mode, profile := range profileOfMode {
		if profile == name {
			return mode, true
		}
	}
	return "", false
}

// choice is the confinement that the layers ask for.
type choice struct {
	profile  string // always set
	mode     SandboxMode
	explicit bool
	key      string // sandbox_mode or default_permissions
	origin   Origin
}

// permissions settles sandbox_mode and default_permissions.
func (l *loader) permissions(c *Config) {
	if !l.catalog(c) {
		return
	}
	c.DenyRead = slices.Clone(c.Requirements.DenyRead)
	ch := l.choose(c)
	mode, ok := l.modeOf(c, ch.profile, ch.key, ch.origin)
	if !ok {
		return
	}
	ch.mode = mode
	c.settle("sandbox_mode", string(ch.mode), ch.origin)
	c.settle("default_permissions", ch.profile, ch.origin)
	// The modes twice: what they leave of the wish bounds the managed default, and then holds for it as well.
	for _, narrow := range []func(*Config, choice) choice{l.allowedMode, l.allowedProfile, l.allowedMode} {
		if ch = narrow(c, ch); len(l.r.errs) > 0 {
			return
		}
	}
	c.PermissionProfile, c.SandboxMode = ch.profile, ch.mode
	l.refuseDeniedGrants(c)
}

// catalog decodes [permissions] and adds the managed profiles.
func (l *loader) catalog(c *Config) bool {
	c.Permissions = map[string]PermissionProfile{}
	l.addProfiles(c, c.final.find("permissions"), false)
	l.addProfiles(c, c.Requirements.tree.find("permissions"), true)
	return len(l.r.errs) == 0
}

func (l *loader) addProfiles(c *Config, table *node, managed bool) {
	for _, name := range sortedKeys(tableOf(table)) {
		if managed && name == "filesystem" { // deny_read, not a profile
			continue
		}
		n, key := table.kids[name], formatKey([]string{"permissions", name})
		if strings.HasPrefix(name, ":") {
			l.r.failAt(n.origin, key, "profile names may not begin with a colon", "another name", "")
			continue
		}
		if _, clash := c.Permissions[name]; clash {
			l.r.failAt(n.origin, key, "a managed profile has the same name as a configured one", "another name in config.toml", "")
			continue
		}
		p := PermissionProfile{Managed: managed}
		if err := decode(n, &p); err != nil {
			l.r.failAt(n.origin, key, err.Error(), "", "")
			continue
		}
		l.noteUnknownWords(n, p)
		if !l.expandEntries(&p) {
			l.r.failAt(n.origin, key+".filesystem", "a path begins with ~ while HOME is not set", "absolute paths", "")
			continue
		}
		c.Permissions[name] = p
	}
}

// noteUnknownWords says which places mean nothing here.
func (l *loader) noteUnknownWords(n *node, p PermissionProfile) {
	for _, e := range p.Filesystem.Entries {
		if strings.HasPrefix(e.Path, ":") && !filesystem.KnownWord(e.Path) {
			o := n.find("filesystem", e.Path).origin
			l.r.warn(WarnUnknownKey, o, formatKey([]string{"filesystem", e.Path}), "unknown place %s in filesystem permissions is ignored; a newer version may know it", e.Path)
		}
	}
}

// expandEntries makes ~/ paths absolute; false when there is no home.
func (l *loader) expandEntries(p *PermissionProfile) bool {
	ok := true
	expand := func(s string) string {
		s = l.expandHome(s)
		ok = ok && !strings.HasPrefix(s, "~")
		return s
	}
	for i, e := range p.Filesystem.Entries {
		p.Filesystem.Entries[i].Path = expand(e.Path)
	}
	roots := map[string]bool{}
	for root, on := range p.WorkspaceRoots {
		roots[path.Clean(expand(root))] = on
	}
	p.WorkspaceRoots = roots
	return ok
}

// choose picks the stronger of sandbox_mode and default_permissions; in one
// layer the profile wins. With neither, the managed default counts, as a setting
// of the weakest layer would; without one a trusted folder is writable and any
// other is not.
func (l *loader) choose(c *Config) choice {
	mode, profile := l.rank("sandbox_mode"), l.rank("default_permissions")
	switch {
	case profile >= 0 && profile >= mode:
		n := l.candidate(c, "default_permissions")
		return choice{profile: n.val.(string), explicit: true, key: "default_permissions", origin: n.origin}
	case mode >= 0:
		n := l.candidate(c, "sandbox_mode")
		return choice{profile: profileOfMode[SandboxMode(n.val.(string))], explicit: true, key: "sandbox_mode", origin: n.origin}
	case c.Requirements.DefaultPermissions != "":
		o := c.Requirements.tree.find("default_permissions").origin
		return choice{profile: c.Requirements.DefaultPermissions, key: "default_permissions", origin: o}
	}
	if own := c.final.find("permissions"); own != nil && len(c.Permissions) > 0 { // managed profiles are an offer
		l.r.warn(WarnNote, leafOrigin(own), "permissions", "[permissions] has no effect until default_permissions names one of its profiles")
	}
	ch := choice{profile: ProfileReadOnly, key: "sandbox_mode", origin: Origin{Layer: LayerDefault}}
	if c.Trust == Trusted {
		ch.profile = ProfileWorkspace
	}
	return ch
}

// wider reports whether mode a lets commands do more than b.
func wider(a, b SandboxMode) bool {
	return slices.Index(modeWidth[:], a) > slices.Index(modeWidth[:], b)
}

// modeWidth is narrowest first.
var modeWidth = [...]SandboxMode{ReadOnly, WorkspaceWrite, DangerFullAccess}

// rank is the strength of the strongest layer that sets key, -1 = none. Flags
// with names of their own rank above everything, as in candidate.
func (l *loader) rank(key string) int {
	best := -1
	for i, one := range l.layers {
		if one.root.find(key) == nil {
			continue
		}
		if one.ownFlag() {
			i += len(l.layers)
		}
		best = max(best, i)
	}
	return best
}

// modeOf is the nearest legacy word of a profile: what it may write decides.
func (l *loader) modeOf(c *Config, name, key string, o Origin) (SandboxMode, bool) {
	if mode, ok := modeOfProfile(name); ok {
		return mode, true
	}
	if _, _, wrong := c.chain(name); wrong != nil {
		known := append([]string{ProfileReadOnly, ProfileWorkspace, ProfileFullAccess}, sortedKeys(c.Permissions)...)
		if wrong.at != "" { // an extends of some profile on the way
			key = formatKey([]string{"permissions", wrong.at, "extends"})
			known = slices.DeleteFunc(known, func(n string) bool { return n == wrong.at || n == ProfileFullAccess })
			for _, tree := range []*node{c.final, c.Requirements.tree} {
				if n := tree.find("permissions", wrong.at, "extends"); n != nil {
					o = n.origin
				}
			}
		}
		l.r.failAt(o, key, wrong.text, "one of "+quoteAll(known), nearestHint(wrong.name, known))
		return "", false
	}
	mode := ReadOnly
	for _, e := range c.entriesOf(name) {
		switch {
		case e.Access != filesystem.AccessWrite:
		case e.Sub == "" && e.Place == "/":
			return DangerFullAccess, true
		default:
			mode = WorkspaceWrite
		}
	}
	return mode, true
}

// broken is a chain of profiles that does not end well: name, written in the extends of profile at (empty = selected), is wrong.
type broken struct{ at, name, text string }

// chain is the profile and what it extends, nearest first, and the built-in at
// the end (empty = none).
func (c *Config) chain(name string) (chain []PermissionProfile, base string, wrong *broken) {
	seen, from := map[string]bool{}, ""
	for at := name; at != ""; {
		if at == ProfileReadOnly || at == ProfileWorkspace {
			return chain, at, nil
		}
		p, ok := c.Permissions[at]
		switch {
		case !ok && from == "":
			return nil, "", &broken{name: at, text: fmt.Sprintf("unknown permission profile %s; there is no [permissions] table for it", shown(at))}
		case !ok && at == ProfileFullAccess:
			return nil, "", &broken{from, at, "nothing can extend " + at}
		case !ok:
			return nil, "", &broken{from, at, fmt.Sprintf("extends unknown profile %s", shown(at))}
		case seen[at]:
			return nil, "", &broken{from, at, fmt.Sprintf("profile %q extends itself in a cycle", at)}
		}
		seen[at] = true
		chain = append(chain, p)
		from, at = at, p.Extends
	}
	return chain, "", nil
}

// Chain is the profile called name and what it extends, nearest first, and the
// built-in profile at the end, empty when there is none. It answers nothing for
// an unknown name; the selected profile was checked by Load.
func (c *Config) Chain(name string) (chain []PermissionProfile, base string) {
	chain, base, _ = c.chain(name)
	return chain, base
}

// FilesystemProfile is the selected profile with its extends applied; false when it is a built-in one, which SandboxMode
// stands for.
func (c *Config) FilesystemProfile() (filesystem.Profile, bool) {
	if _, named := c.Permissions[c.PermissionProfile]; !named {
		return filesystem.Profile{}, false
	}
	p := filesystem.Profile{Entries: c.entriesOf(c.PermissionProfile), Network: c.NetworkAccess()}
	chain, _ := c.Chain(c.PermissionProfile)
	roots := map[string]bool{}
	for _, one := range slices.Backward(chain) {
		maps.Copy(roots, one.WorkspaceRoots)
		if one.Filesystem.GlobScanMaxDepth != 0 {
			p.GlobScanMaxDepth = one.Filesystem.GlobScanMaxDepth
		}
	}
	for _, root := range sortedKeys(roots) {
		if roots[root] {
			p.WorkspaceRoots = append(p.WorkspaceRoots, root)
		}
	}
	return p, true
}

// entriesOf are the entries of a profile laid over those that it extends.
func (c *Config) entriesOf(name string) []filesystem.Entry {
	chain, base := c.Chain(name)
	entries := filesystem.Overlay(nil, filesystem.BuiltIn(base))
	for _, one := range slices.Backward(chain) {
		var own []filesystem.Entry
		for _, e := range one.Filesystem.Entries {
			own = append(own, filesystem.Entry{Place: e.Path, Sub: e.Sub, Access: filesystem.Access(e.Access)})
		}
		entries = filesystem.Overlay(entries, own)
	}
	return entries
}

func (c *Config) resolvedNetwork(p PermissionProfile) bool {
	if p.Network.Enabled != nil {
		return *p.Network.Enabled
	}
	chain, _ := c.Chain(p.Extends)
	for _, up := range chain {
		if up.Network.Enabled != nil {
			return *up.Network.Enabled
		}
	}
	return false
}

// allowedProfile applies allowed_permission_profiles.
func (l *loader) allowedProfile(c *Config, ch choice) choice {
	req := c.Requirements
	if req.AllowedProfiles == nil {
		if req.DefaultPermissions != "" {
			l.r.failAt(req.tree.find("default_permissions").origin, "default_permissions", "without allowed_permission_profiles",
				"the table of profiles that may be selected", "")
		}
		return ch
	}
	const rule = "allowed_permission_profiles"
	ruleNode := req.tree.find(rule)
	if ruleNode == nil {
		ruleNode = req.tree.find("allowed_permissions")
	}
	if req.DefaultPermissions == "" && (!req.AllowedProfiles[ProfileReadOnly] || !req.AllowedProfiles[ProfileWorkspace]) {
		l.r.failAt(leafOrigin(ruleNode), "default_permissions", "missing while "+rule+" excludes a built-in profile",
			"the profile to use then", "")
		return ch
	}
	if req.AllowedProfiles[ch.profile] {
		return ch
	}
	fallback := req.DefaultPermissions
	if fallback == "" {
		fallback = ProfileReadOnly
	}
	o := leafOrigin(ruleNode)
	mode, ok := l.modeOf(c, fallback, "default_permissions", o)
	if !ok {
		return ch
	}
	instead := choice{profile: fallback, mode: mode}
	if ch.explicit && (wider(mode, ch.mode) || l.opensNetwork(c, instead) && !l.opensNetwork(c, ch)) {
		l.r.failAt(ch.origin, ch.key, fmt.Sprintf("profile %q is not allowed by %s, and the managed default %q would allow more", ch.profile, rule, fallback),
			"a profile that is allowed", "choose it with default_permissions = "+strconv.Quote(fallback)+", or another that is allowed")
		return ch
	}
	l.clampChoice(c, ch, instead, rule, o)
	ch.profile, ch.mode = fallback, mode
	return ch
}

// opensNetwork is Config.NetworkAccess for a choice that is not made yet.
func (l *loader) opensNetwork(c *Config, ch choice) bool {
	if p, ok := c.Permissions[ch.profile]; ok {
		return c.resolvedNetwork(p)
	}
	on, _ := c.final.find("sandbox_workspace_write", "network_access").val.(bool)
	return ch.mode == DangerFullAccess || ch.mode == WorkspaceWrite && on
}

// allowedMode applies allowed_sandbox_modes, and deny_read, which nothing
// unconfined can keep.
func (l *loader) allowedMode(c *Config, ch choice) choice {
	req := c.Requirements
	rule := []string{"allowed_sandbox_modes"}
	forbidden := req.AllowedSandboxModes != nil && !slices.Contains(req.AllowedSandboxModes, ch.mode)
	if !forbidden && ch.mode == DangerFullAccess && len(req.DenyRead) > 0 {
		rule, forbidden = []string{"permissions", "filesystem", "deny_read"}, true
	}
	if !forbidden {
		return ch
	}
	if ch.mode == DangerFullAccess && c.ApprovalPolicy.Mode == ApprovalNever {
		l.fullAccessRefused(c, rule)
		return ch
	}
	l.clampChoice(c, ch, choice{profile: ProfileReadOnly, mode: ReadOnly}, formatKey(rule), req.tree.find(rule...).origin)
	ch.profile, ch.mode = ProfileReadOnly, ReadOnly
	return ch
}

func (l *loader) clampChoice(c *Config, from, to choice, rule string, o Origin) {
	c.constrainTo("sandbox_mode", string(to.mode), rule, o)
	c.constrainTo("default_permissions", to.profile, rule, o)
	shownFrom, shownTo := from.profile, to.profile
	if from.key == "sandbox_mode" {
		shownFrom, shownTo = string(from.mode), string(to.mode)
	}
	l.r.warn(WarnClamped, o, from.key, "%s = %q is not allowed by %s; %q is used instead", from.key, shownFrom, rule, shownTo)
	l.r.warnings[len(l.r.warnings)-1].Keys = []string{"sandbox_mode", "default_permissions"}
}

// refuseDeniedGrants stops a configuration that opens what deny_read closes:
// silently winning would hide a mistake of one of the two authors.
func (l *loader) refuseDeniedGrants(c *Config) {
	if len(c.DenyRead) == 0 {
		return
	}
	denied := c.Requirements.tree.find("permissions", "filesystem", "deny_read")
	refuse := func(grant, where string) {
		for i, pattern := range c.DenyRead {
			if !deniedBy(pattern, grant) {
				continue
			}
			o := denied.origin
			if i < len(denied.items) {
				o = denied.items[i].origin
			}
			l.r.failAt(o, "permissions.filesystem.deny_read", fmt.Sprintf("%q denies %q, which %s grants", pattern, grant, where),
				"", "remove the grant")
			return
		}
	}
	chain, _, _ := c.chain(c.PermissionProfile)
	for _, p := range chain {
		for _, e := range p.Filesystem.Entries {
			if grant := l.grantedPath(e); grant != "" {
				refuse(grant, "permissions.filesystem of profile "+c.PermissionProfile)
			}
		}
	}
	if c.SandboxMode != WorkspaceWrite || len(chain) > 0 {
		return
	}
	for _, item := range itemsOf(c.final.find("sandbox_workspace_write", "writable_roots")) {
		refuse(path.Clean(l.expandHome(item.val.(string))), "sandbox_workspace_write.writable_roots at "+place(item.origin.File, item.origin.Line, item.origin.Column))
	}
}

// grantedPath is the absolute path an entry opens, empty for denials and for
// words whose place is not known here.
func (l *loader) grantedPath(e FilesystemEntry) string {
	if e.Access == AccessDeny {
		return ""
	}
	base := e.Path
	if base == ":project_roots" || base == ":workspace_roots" {
		base = l.opts.Cwd
	}
	if !path.IsAbs(base) {
		return ""
	}
	return strings.TrimSuffix(path.Join(base, e.Sub), "/**")
}

// deniedBy reports whether pattern covers p or a folder above it.
func deniedBy(pattern, p string) bool {
	pattern = path.Clean(pattern)
	for dir := path.Clean(p); ; dir = path.Dir(dir) {
		if pattern == dir {
			return true
		}
		if ok, err := doublestar.Match(pattern, dir); err == nil && ok {
			return true
		}
		if dir == "/" {
			return false
		}
	}
}
