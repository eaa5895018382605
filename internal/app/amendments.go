package app

import (
	"context"
	"path/filepath"

	"proctor/event"
	"proctor/executor/approval"
	"proctor/internal/rulefile"
	"proctor/internal/terms"
	"proctor/policy/execrules"
)

// amend writes the rule of an approval into the person's rules, and loads all rules again: it counts for the rest of this
// session and for later ones, in Codex too.
func (r *run) amend(ctx context.Context, a event.Amendment) (*execrules.Rules, string, error) {
	line, err := approval.Line(a)
	if err != nil {
		return nil, "", err
	}
	if _, err := rulefile.Append(ctx, r.rulesFile(), line); err != nil {
		return nil, "", err
	}
	rules, files, err := terms.Rules(r.cfg, r.opts.IgnoreRules)
	if err != nil {
		return nil, "", err
	}
	network, err := terms.NetworkOf(r.cfg, rules)
	if err == nil && r.roads != nil {
		err = r.roads.proxy.SetPolicy(network.Policy)
	}
	if err != nil {
		return nil, "", err
	}
	return rules, r.policyDigest(files), nil
}

// rulesFile is where rules of approvals go, in Codex too.
func (r *run) rulesFile() string { return filepath.Join(r.cfg.CodexHome, "rules", "default.rules") }
