package config

import (
	"fmt"
	"slices"
	"strings"
)

// constrain settles the keys that requirements or the command may change:
//
//	outside an allowed list           clamp and warn; an unset policy or reviewer falls back without a word
//	danger-full-access not allowed    error when the policy is never, else read-only
//	managed deny_read                 as if danger-full-access were not allowed
//	exact value differs               override and warn, once per table
//	pinned feature                    override without a word
//	granted path that is denied       error
//
// Nothing here can make a setting wider than the layers said.
func (l *loader) constrain(c *Config) {
	l.pin(c, "allow_login_shell")
	l.pin(c, "check_for_update_on_startup")
	l.pin(c, "model_provider")
	l.pin(c, "model_providers")
	l.pin(c, "shell_environment_policy")
	l.pin(c, "otel")
	l.pinFeatures(c)
	l.reviewer(c)
	l.approval(c)
	l.permissions(c)
	l.webSearch(c)
	l.reviewPolicy(c)
}

// settle writes the effective value of a key.
func (c *Config) settle(key string, value any, o Origin) {
	segs, err := splitKey(key)
	if err != nil {
		return
	}
	c.final.put(buildAt(value, o), segs...)
}

// constrainTo is settle by a rule, remembered for Explain.
func (c *Config) constrainTo(key string, value any, rule string, o Origin) {
	segs, err := splitKey(key)
	if err != nil {
		return
	}
	c.settled[formatKey(segs)] = Constraint{Origin: o, Rule: rule, Configured: shownValue(c.final.find(segs...), segs)}
	c.settle(key, value, o)
}

// candidate is what a person asked for: a flag with a name of its own, else the
// merged layers. Such a flag beats managed_config.toml here because that file
// constrains these keys as well; a narrower wish than the file's may stand.
func (l *loader) candidate(c *Config, key string) *node {
	for _, one := range slices.Backward(l.layers) {
		if n := one.root.find(key); n != nil && one.ownFlag() {
			return n
		}
	}
	return c.final.find(key)
}

func (one layer) ownFlag() bool { return one.name == LayerFlag && one.file != overrideFile }

// pin applies an exact requirement on a scalar or, leaf by leaf, on a table.
func (l *loader) pin(c *Config, key string) {
	rule := c.Requirements.tree.find(key)
	if rule == nil {
		return
	}
	old := c.final.find(key)
	differs := contradicts(old, rule)
	c.settled[key] = Constraint{Origin: rule.origin, Rule: key, Configured: shownValue(old, []string{key})}
	c.final.kids[key] = pinned(key, old, rule)
	if !differs {
		return
	}
	o := leafOrigin(rule)
	if rule.isTable() {
		kind := WarnOverridden
		if key == "shell_environment_policy" { // the CLI says nothing at all
			kind = WarnNote
		}
		l.r.warn(kind, o, key, "configured values under %s are overridden by requirements", key)
		return
	}
	l.r.warn(WarnOverridden, o, key, "the configured value of %s is overridden by the required %v", key, rule.val)
}

// pinned merges rule over old; an exporter is one value and never a mixture.
func pinned(key string, old, rule *node) *node {
	if old == nil || !rule.isTable() {
		return rule.clone()
	}
	out := merge(old, rule)
	for k, kid := range rule.kids {
		if key == "otel" && strings.HasSuffix(k, "exporter") {
			out.kids[k] = kid.clone()
		}
	}
	return out
}

// contradicts reports whether a value that a person wrote differs from the rule.
func contradicts(old, rule *node) bool {
	if old == nil {
		return false
	}
	if rule.isTable() && old.isTable() {
		for k, kid := range rule.kids {
			if contradicts(old.kids[k], kid) {
				return true
			}
		}
		return false
	}
	return leafOrigin(old).Layer != LayerDefault && canonical(old.plain()) != canonical(rule.plain())
}

// leafOrigin is the place of a value; tables made by merging take that of their
// first leaf.
func leafOrigin(n *node) Origin {
	if !n.isTable() || n.origin.Line > 0 {
		return n.origin
	}
	for _, k := range sortedKeys(n.kids) {
		return leafOrigin(n.kids[k])
	}
	return n.origin
}

func (l *loader) pinFeatures(c *Config) {
	for _, alias := range []string{"feature_requirements", "features"} {
		pins := tableOf(c.Requirements.tree.find(alias))
		for _, name := range sortedKeys(pins) {
			segs := []string{"features", name}
			if name == "network_proxy" {
				segs = append(segs, "enabled")
			}
			c.constrainTo(formatKey(segs), pins[name].val, formatKey([]string{alias, name}), pins[name].origin)
		}
	}
}

func (l *loader) reviewer(c *Config) {
	const key, rule = "approvals_reviewer", "allowed_approvals_reviewers"
	n := l.candidate(c, key)
	value, explicit, o := UserReviewer, n != nil, Origin{Layer: LayerDefault}
	if explicit {
		value, o = Reviewer(n.val.(string)), n.origin
	}
	c.settle(key, string(value), o)
	allowed := c.Requirements.AllowedReviewers
	switch {
	case allowed != nil && !slices.Contains(allowed, value):
		l.clampReviewer(c, rule, value, allowed[0], explicit)
		value = allowed[0]
	case value == UserReviewer && slices.Contains(c.Requirements.RequiredOnModels, c.final.text("model")):
		l.clampReviewer(c, "auto_review.required_on_models", value, AutoReviewer, true)
		value = AutoReviewer
	}
	if value == AutoReviewer && !featureFlags(c.final.find("features"))["guardian_approval"] {
		l.withoutAutoReview(c, n)
		value = UserReviewer
	}
	c.ApprovalsReviewer = value
}

func (l *loader) clampReviewer(c *Config, rule string, from, to Reviewer, warn bool) {
	l.clamp(c, "approvals_reviewer", rule, string(from), string(to), warn)
}

// withoutAutoReview settles a reviewer whose feature is switched off: a person, unless requirements insist on review.
func (l *loader) withoutAutoReview(c *Config, asked *node) {
	const key = "approvals_reviewer"
	off := c.final.find("features", "guardian_approval").origin
	if allowed := c.Requirements.AllowedReviewers; asked == nil || allowed != nil && !slices.Contains(allowed, UserReviewer) {
		l.r.failAt(off, "features.guardian_approval", "switched off", "on, because requirements ask for automatic review", "remove features.guardian_approval = false")
		return
	}
	c.settle(key, string(UserReviewer), off)
	l.r.warn(WarnClamped, off, key, "features.guardian_approval is off, so there is no automatic review; %s = %q is used", key, UserReviewer)
}

// clamp replaces a value that a requirement rules out.
func (l *loader) clamp(c *Config, key, rule string, from, to any, warn bool) {
	segs, _ := splitKey(rule)
	o := c.Requirements.tree.find(segs...).origin
	c.constrainTo(key, to, rule, o)
	if warn {
		l.r.warn(WarnClamped, o, key, "%s = %s is not allowed by %s; %s is used instead", key, canonical(from), rule, canonical(to))
	}
}

func (l *loader) approval(c *Config) {
	const key, rule = "approval_policy", "allowed_approval_policies"
	n := l.candidate(c, key)
	value, explicit, o := ApprovalPolicy{Mode: ApprovalOnRequest}, n != nil, Origin{Layer: LayerDefault}
	if explicit {
		if !l.readApproval(n, key, &value) {
			return
		}
		o = n.origin
	}
	if value.Mode == ApprovalOnFailure {
		l.r.warn(WarnDeprecated, o, key, `approval_policy = "on-failure" is deprecated; use "on-request", or "never" for unattended runs`)
	}
	c.settle(key, plainApproval(value), o)
	if c.Headless && c.ApprovalsReviewer != AutoReviewer && value.Mode != ApprovalNever {
		value, explicit = ApprovalPolicy{Mode: ApprovalNever}, true
		c.constrainTo(key, string(ApprovalNever), "headless", Origin{Layer: LayerCommand})
	}
	for _, item := range itemsOf(c.Requirements.tree.find(rule)) {
		if item.isTable() && !l.readApproval(item, rule, new(ApprovalPolicy)) {
			return
		}
	}
	allowed := c.Requirements.AllowedApprovalPolicies
	if allowed != nil && !slices.Contains(allowed, value) {
		from := value
		value = allowed[0]
		l.clamp(c, key, rule, plainApproval(from), plainApproval(value), explicit)
	}
	c.ApprovalPolicy = value
}

func itemsOf(n *node) []*node {
	if n == nil {
		return nil
	}
	return n.items
}

// readApproval decodes a policy; a granular one must decide every required category.
func (l *loader) readApproval(n *node, key string, into *ApprovalPolicy) bool {
	if n.isTable() {
		if missing := missingGranular(n); len(missing) > 0 {
			l.r.failAt(leafOrigin(n), key+".granular", "missing "+strings.Join(missing, ", "),
				"true or false for each of "+strings.Join(granularRequired[:], ", "), "")
			return false
		}
	}
	if err := decode(n, into); err != nil {
		l.r.failAt(n.origin, key, err.Error(), "", "")
		return false
	}
	return true
}

// plainApproval is the policy as the layers hold it.
func plainApproval(p ApprovalPolicy) any {
	if p.Mode != ApprovalGranular {
		return string(p.Mode)
	}
	g := p.Granular
	return map[string]any{"granular": map[string]any{"sandbox_approval": g.SandboxApproval, "rules": g.Rules,
		"mcp_elicitations": g.MCPElicitations, "request_permissions": g.RequestPermissions, "skill_approval": g.SkillApproval}}
}

func (l *loader) webSearch(c *Config) {
	const key, rule = "web_search", "allowed_web_search_modes"
	n := l.candidate(c, key)
	value, explicit, o := WebSearchCached, n != nil, Origin{Layer: LayerDefault}
	if c.SandboxMode == DangerFullAccess {
		value = WebSearchLive
	}
	if explicit {
		value, o = WebSearchMode(n.val.(string)), n.origin
	}
	c.settle(key, string(value), o)
	allowed := c.Requirements.AllowedWebSearchModes
	if allowed != nil && value != WebSearchDisabled && !slices.Contains(allowed, value) {
		from := value
		value = webSearchFallback(allowed)
		l.clamp(c, key, rule, string(from), string(value), true) // also of the default: searching starts or ends
	}
	c.WebSearch = value
}

func webSearchFallback(allowed []WebSearchMode) WebSearchMode {
	for _, mode := range []WebSearchMode{WebSearchCached, WebSearchLive} {
		if slices.Contains(allowed, mode) {
			return mode
		}
	}
	return WebSearchDisabled
}

// reviewPolicy chooses the reviewer's tenant section: managed, else local.
func (l *loader) reviewPolicy(c *Config) {
	req := c.Requirements
	if local := c.final.text("auto_review", "policy"); strings.TrimSpace(local) != "" {
		c.AutoReview.Policy = local
	}
	if req.PolicyConfig != "" {
		c.AutoReview.Policy = req.PolicyConfig
		c.constrainTo("auto_review.policy", req.PolicyConfig, "guardian_policy_config", req.tree.find("guardian_policy_config").origin)
	}
	c.AutoReview.ExtraPolicy = req.ExtraPolicy
	c.AutoReview.RequiredOnModels, c.AutoReview.IgnoreRules = req.RequiredOnModels, req.IgnoreRules
}

// fullAccessRefused is the error of a run that would ask nobody and may not be
// unconfined: clamping it would silently do something else than asked.
func (l *loader) fullAccessRefused(c *Config, rule []string) {
	o := c.Requirements.tree.find(rule...).origin
	l.r.failAt(o, formatKey(rule),
		fmt.Sprintf(`approval_policy = %q cannot be used because requirements do not allow sandbox_mode = %q`, ApprovalNever, DangerFullAccess),
		"", `choose sandbox_mode = "read-only" or "workspace-write" (-s)`)
}
