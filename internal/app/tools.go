package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"proctor/executor/approval"
	"proctor/executor/tool"
	"proctor/executor/tool/image"
	"proctor/executor/tool/patch"
	"proctor/executor/tool/permissions"
	"proctor/executor/tool/plan"
	"proctor/executor/tool/shell"
	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/internal/terms"
)

// registry holds the tools of the session: none without a model.
func (r *run) registry(ctx context.Context, gate *approval.Gate) (*tool.Registry, error) {
	if r.command != nil {
		return tool.NewRegistry()
	}
	return r.newTools(ctx, r.commandEnv(), gate)
}

// newTools makes the tools that the model is offered. Session.Close closes them.
func (r *run) newTools(ctx context.Context, env []string, gate *approval.Gate) (*tool.Registry, error) {
	confined := r.confine.Plan
	patcher, err := patch.New(r.cfg.Cwd, patch.Options{MayRead: func(path string) error {
		if v := confined.CheckRead(path); !v.Allowed {
			return fmt.Errorf("%s may not be read (%s)", path, v.Reason)
		}
		return nil
	}})
	if err != nil {
		return nil, cli.Fail(cli.Failure, err)
	}
	o := shell.Options{
		Dir: r.cfg.Cwd, Env: env, AllowLoginShell: r.loginShell(), MaxOutputTokens: int(r.cfg.ToolOutputTokenLimit), Patch: patcher,
		AdditionalPermissions: r.cfg.Features[featureExecPermissions],
		Limits:                terms.Limits(r.cfg),
	}
	if r.state != nil {
		o.FirstID = int(r.state.Results) + 1 // above every process of the session before
	}
	manager, err := shell.New(o)
	if err != nil {
		return nil, cli.Fail(cli.Failure, err)
	}
	viewer, err := image.New(r.cfg.Cwd, image.Options{})
	if err != nil {
		return nil, cli.Fail(cli.Failure, err)
	}
	tools := []tool.Tool{patcher, plan.Tool{}}
	if featureOn(r.cfg, "shell_tool") {
		tools = append(manager.Tools(), tools...)
	}
	if featureOn(r.cfg, "view_image") {
		tools = append(tools, viewer)
	}
	if r.cfg.Features[featureRequestPermissions] {
		asker, err := permissions.New(r.cfg.Cwd)
		if err != nil {
			return nil, cli.Fail(cli.Failure, err)
		}
		tools = append(tools, asker)
	}
	servers, err := r.startServers(ctx, gate)
	if err != nil {
		return nil, err
	}
	registry, err := tool.NewRegistry(append(tools, servers...)...)
	if err != nil {
		return nil, errors.Join(cli.Fail(cli.Failure, err), tool.CloseAll(ctx, servers))
	}
	return registry, nil
}

// featureOn reads a feature that is on unless somebody switched it off.
func featureOn(cfg *config.Config, name string) bool {
	on, written := cfg.Features[name]
	return on || !written
}

// loginShell reports whether commands may run in a login shell. Not where a confined command can write its start-up
// files: a later command that a rule lets out of the sandbox would run them there.
func (r *run) loginShell() bool {
	home := r.env.Getenv("HOME")
	if !r.cfg.AllowLoginShell || r.confine.Plan.Unconfined || home == "" {
		return r.cfg.AllowLoginShell
	}
	real, err := filepath.EvalSymlinks(home)
	return err == nil && !r.confine.Plan.CheckWrite(filepath.Join(real, ".bash_profile")).Allowed
}
