package config

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// requirements reads the constraint files, strongest first: managed_config.toml
// reread, then requirements.toml. Allowed lists of both are intersected, so that
// adding a file can only narrow; when they have nothing in common the stronger
// one stands.
func (l *loader) requirements() Requirements {
	var docs []*node
	var sources []string
	if legacy := l.layer(LayerManaged); legacy != nil {
		docs = append(docs, rereadManaged(legacy))
		sources = append(sources, managedConfigFile)
	}
	system, err := l.document(LayerRequirements, requirementsFile)
	if err != nil {
		l.r.fail(asError(err, requirementsFile))
	}
	if system != nil {
		c := checker{r: l.r, strict: l.opts.Strict}
		before := len(l.r.errs)
		c.validate(system, requirementsSchema(), nil)
		for _, key := range []string{"features", "feature_requirements"} {
			c.featuresIn(system.find(key), []string{key}, WarnUnknownKey)
		}
		if len(l.r.errs) > before {
			return Requirements{files: append(sources, requirementsFile)}
		}
		resolveRemoteSandbox(system, l.opts.Hostname)
		docs = append(docs, system)
		sources = append(sources, requirementsFile)
	}
	req, err := typedRequirements(l.compose(docs))
	if err != nil {
		l.r.fail(&Error{File: strings.Join(sources, ", "), Err: err, Expected: "requirements that can be applied completely"})
	}
	req.files = sources
	return req
}

func (l *loader) layer(name Layer) *node {
	for _, one := range l.layers {
		if one.name == name {
			return one.root
		}
	}
	return nil
}

// rereadManaged turns the legacy settings file into constraints.
func rereadManaged(doc *node) *node {
	out := newTable(Origin{Layer: LayerRequirements, File: managedConfigFile})
	constrain := func(key, rule string, values ...any) {
		from := doc.find(key)
		o := from.origin
		o.Layer = LayerRequirements
		n := &node{array: true, origin: o}
		for _, v := range values {
			item := from.clone()
			if v != nil {
				item = &node{val: v}
			}
			item.origin = o
			n.items = append(n.items, item)
		}
		out.kids[rule] = n
	}
	if doc.find("approval_policy") != nil {
		constrain("approval_policy", "allowed_approval_policies", nil)
	}
	switch Reviewer(doc.text("approvals_reviewer")) {
	case AutoReviewer:
		constrain("approvals_reviewer", "allowed_approvals_reviewers", string(AutoReviewer), string(UserReviewer))
	case UserReviewer:
		constrain("approvals_reviewer", "allowed_approvals_reviewers", string(UserReviewer))
	}
	switch mode := SandboxMode(doc.text("sandbox_mode")); mode {
	case "":
	case ReadOnly:
		constrain("sandbox_mode", "allowed_sandbox_modes", string(ReadOnly))
	default:
		constrain("sandbox_mode", "allowed_sandbox_modes", string(ReadOnly), string(mode))
	}
	return out
}

// resolveRemoteSandbox replaces the sandbox list by that of the first entry whose
// pattern matches this host.
func resolveRemoteSandbox(doc *node, hostname string) {
	remote := doc.find("remote_sandbox_config")
	if remote == nil || hostname == "" {
		return
	}
	for _, entry := range remote.items {
		patterns, modes := entry.find("hostname_patterns"), entry.find("allowed_sandbox_modes")
		if patterns == nil || modes == nil {
			continue
		}
		if slices.ContainsFunc(patterns.items, func(p *node) bool { return wildcard(p.val.(string), hostname) }) {
			doc.kids["allowed_sandbox_modes"] = modes
			return
		}
	}
}

// narrowing are the lists that compose by intersection.
var narrowing = []string{"allowed_approval_policies", "allowed_approvals_reviewers", "allowed_sandbox_modes", "allowed_web_search_modes"}

// compose lays the documents, strongest first, into one.
func (l *loader) compose(docs []*node) *node {
	out := newTable(Origin{Layer: LayerRequirements})
	for _, doc := range slices.Backward(docs) { // weakest first
		next := merge(out, doc)
		for _, key := range narrowing {
			if weak, strong := out.find(key), doc.find(key); weak != nil && strong != nil {
				next.kids[key] = l.intersect(key, strong, weak)
			}
		}
		out = next
	}
	return out
}

func (l *loader) intersect(key string, strong, weak *node) *node {
	allowed := map[string]bool{}
	for _, item := range weak.items {
		allowed[canonical(item.plain())] = true
	}
	both := strong.clone()
	both.items = slices.DeleteFunc(both.items, func(item *node) bool { return !allowed[canonical(item.plain())] })
	if len(both.items) == 0 {
		l.r.warn(WarnNote, strong.origin, key, "%s and %s have nothing in common; %s is used", strong.origin.File, weak.origin.File, strong.origin.File)
		return strong.clone()
	}
	if len(both.items) < len(strong.items) { // the weaker file decided
		both.origin = weak.origin
	}
	return both
}

// canonical is a comparable text of a plain value.
func canonical(v any) string {
	b, err := json.Marshal(v) // maps are written in key order
	if err != nil {
		return "?"
	}
	return string(b)
}

// typedRequirements fails rather than leave a constraint out.
func typedRequirements(t *node) (Requirements, error) {
	r := Requirements{tree: t}
	errs := []error{
		decode(t.find("allowed_approval_policies"), &r.AllowedApprovalPolicies),
		decode(t.find("allowed_approvals_reviewers"), &r.AllowedReviewers),
		decode(t.find("allowed_sandbox_modes"), &r.AllowedSandboxModes),
		decode(t.find("allowed_web_search_modes"), &r.AllowedWebSearchModes),
		decode(t.find("allowed_permission_profiles"), &r.AllowedProfiles),
		decode(t.find("allow_login_shell"), &r.AllowLoginShell),
		decode(t.find("permissions", "filesystem", "deny_read"), &r.DenyRead),
		decode(t.find("feature_requirements"), &r.Features),
		decode(t.find("features"), &r.Features), // adds to and wins over the alias
		decode(t.find("allow_managed_hooks_only"), &r.AllowManagedHooksOnly),
		decode(t.find("auto_review", "required_on_models"), &r.RequiredOnModels),
		decode(t.find("auto_review", "ignore_rules"), &r.IgnoreRules),
		decode(t.find("proctor", "review"), &r.Review),
		decode(t.find("allowed_login_methods"), &r.LoginMethods),
	}
	var err error
	if r.Network, err = networkRequirements(t.find("experimental_network")); err != nil {
		errs = append(errs, err)
	}
	if r.Rules, err = prefixRules(t.find("rules", "prefix_rules")); err != nil {
		errs = append(errs, err)
	}
	if older := t.find("allowed_permissions"); older != nil && r.AllowedProfiles == nil {
		r.AllowedProfiles = map[string]bool{}
		for _, item := range older.items {
			r.AllowedProfiles[item.val.(string)] = true
		}
	}
	r.DenyRead = unique(r.DenyRead)
	r.DefaultPermissions = t.text("default_permissions")
	r.PolicyConfig = unlessBlank(t.text("guardian_policy_config"))
	r.ExtraPolicy = unlessBlank(t.text("guardian_extra_policy"))
	r.Residency, r.DeveloperInstructions = t.text("enforce_residency"), unlessBlank(t.text("additional_developer_instructions"))
	r.MCPServers = mcpIdentities(t.find("mcp_servers"))
	return r, errors.Join(errs...)
}

func unlessBlank(s string) string {
	if strings.TrimSpace(s) == "" {
		return ""
	}
	return s
}

func prefixRules(n *node) ([]PrefixRule, error) {
	if n == nil {
		return nil, nil
	}
	rules := make([]PrefixRule, 0, len(n.items))
	for _, item := range n.items {
		rule := PrefixRule{Decision: item.text("decision"), Justification: item.text("justification"), Origin: item.origin}
		if err := decode(item.find("canonical_matching"), &rule.CanonicalMatching); err != nil {
			return nil, err
		}
		for _, token := range item.find("pattern").items {
			alternatives := []string{token.text("token")}
			if many := token.find("any_of"); many != nil {
				if err := decode(many, &alternatives); err != nil {
					return nil, err
				}
			}
			rule.Pattern = append(rule.Pattern, alternatives)
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

// networkRequirements folds the legacy lists into the tables; deny wins.
func networkRequirements(n *node) (NetworkRequirements, error) {
	if n == nil {
		return NetworkRequirements{}, nil
	}
	net := NetworkRequirements{Present: true}
	if err := decode(n, &net); err != nil {
		return net, err
	}
	if len(net.AllowedDomains)+len(net.DeniedDomains) > 0 {
		net.Domains = map[string]string{}
		for _, d := range net.AllowedDomains {
			net.Domains[d] = "allow"
		}
		for _, d := range net.DeniedDomains {
			net.Domains[d] = "deny"
		}
	}
	if len(net.AllowUnixSockets) > 0 {
		net.UnixSockets = map[string]string{}
		for _, s := range net.AllowUnixSockets {
			net.UnixSockets[s] = "allow"
		}
	}
	return net, nil
}

func mcpIdentities(n *node) map[string]MCPIdentity {
	if n == nil {
		return nil
	}
	out := map[string]MCPIdentity{}
	for name, entry := range n.kids {
		out[name] = MCPIdentity{Command: entry.text("identity", "command"), URL: entry.text("identity", "url")}
	}
	return out
}

func unique(in []string) []string {
	var out []string
	for _, s := range in {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// decode copies a validated node into a typed value through the JSON tags; a nil
// node leaves it alone. A misfit is a hole in the schema and reported by Load.
func decode(n *node, into any) error {
	if n == nil {
		return nil
	}
	b, err := json.Marshal(n.plain())
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}
