package app

import (
	"slices"

	"proctor/event"
	"proctor/executor/sandbox"
	"proctor/internal/config"
	"proctor/internal/terms"
	"proctor/policy/filesystem"
)

// The features behind which further permissions may be asked for; both are off by default.
const (
	featureExecPermissions    = "exec_permission_approvals"
	featureRequestPermissions = "request_permissions_tool"
)

// widen makes the plan with further permissions, see approval.Widen.
func (r *run) widen(p event.Permissions) (filesystem.Plan, error) {
	if err := grantLimits(r.cfg).Refuse(p); err != nil {
		return filesystem.Plan{}, err
	}
	w := filesystem.Widening{Permissions: p}
	if len(p.Write) > 0 {
		var at []string
		for _, root := range r.confine.Plan.Writable {
			at = append(at, root.Path)
		}
		facts, err := sandbox.Gather(filesystem.Request{
			Mode: filesystem.WorkspaceWrite, AdditionalWritable: append(at, p.Write...), ExcludeSlashTmp: true, ExcludeTmpdirEnvVar: true,
		})
		if err != nil {
			return filesystem.Plan{}, err
		}
		w.Roots, w.Found = facts.Places, facts.Found
		if w.ReadOnly, err = terms.Governing(r.cfg); err != nil {
			return filesystem.Plan{}, err
		}
	}
	plan, err := r.confine.Plan.Widen(w)
	if err == nil && plan.Network == filesystem.NetworkOn && r.cfg.ProxyEnabled() && !plan.Unconfined {
		plan.Network = filesystem.NetworkProxied // what is given goes by the same rules
	}
	return plan, err
}

// grantLimits is what managed requirements leave of grants. Network access that rules must filter is given through the proxy,
// and not where it is off: a grant would go around them.
func grantLimits(cfg *config.Config) filesystem.Limits {
	modes := cfg.Requirements.AllowedSandboxModes
	narrow := modes != nil && !slices.Contains(modes, config.WorkspaceWrite) && !slices.Contains(modes, config.DangerFullAccess)
	return filesystem.Limits{
		NoWrite:   narrow,
		NoNetwork: narrow || cfg.Requirements.Network.Present && !cfg.ProxyEnabled(),
	}
}
