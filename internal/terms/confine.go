package terms

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/backend"
	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/policy/filesystem"
)

// Confinement is how commands of a session run.
type Confinement struct {
	Plan, Escalated filesystem.Plan
	// Backend applies either of them.
	Backend sandbox.Backend
}

// Confine plans the sandbox that cfg asks for and selects a backend for it. An
// error means that this confinement is not to be had; nothing may run instead.
func Confine(ctx context.Context, env cli.Env, cfg *config.Config, addDirs []string) (Confinement, error) {
	plan, err := Plan(env, cfg, addDirs)
	if err != nil {
		return Confinement{}, err
	}
	full, err := sandbox.Plan(filesystem.Request{Mode: filesystem.DangerFullAccess, WorkspaceRoots: []string{cfg.Cwd}})
	if err != nil {
		return Confinement{}, cli.Fail(cli.Failure, err)
	}
	o := Backends(env, cfg)
	o.Unconfined = plan.Unconfined
	b, err := backend.Select(ctx, o)
	if err != nil {
		return Confinement{}, cli.Fail(cli.NoSandbox, err)
	}
	return Confinement{Plan: plan, Escalated: full, Backend: b}, nil
}

// Plan is what cfg lets commands touch, with our own folders taken out.
func Plan(env cli.Env, cfg *config.Config, addDirs []string) (filesystem.Plan, error) {
	request := Asked(env, cfg, addDirs)
	err := Refused(cfg)
	if err != nil {
		return filesystem.Plan{}, err
	}
	if request.Mode == filesystem.WorkspaceWrite || request.Mode == filesystem.NamedProfile {
		if request.ReadOnly, err = Governing(cfg); err != nil {
			return filesystem.Plan{}, cli.Fail(cli.Failure, err)
		}
	}
	hidden, err := ownState(cfg)
	if err != nil {
		return filesystem.Plan{}, cli.Fail(cli.NotDurable, err)
	}
	if request.Mode != filesystem.DangerFullAccess { // which confines nothing
		request.DeniedReads = hidden
	}
	plan, err := sandbox.Plan(request)
	if err != nil {
		return filesystem.Plan{}, cli.Fail(cli.Failure, err)
	}
	return plan, nil
}

// Asked is the sandbox that cfg asks for, before our own folders are taken out of it. It touches nothing.
func Asked(env cli.Env, cfg *config.Config, addDirs []string) filesystem.Request {
	request := filesystem.Request{
		Mode:                filesystem.Mode(cfg.SandboxMode),
		WorkspaceRoots:      []string{cfg.Cwd},
		WritableRoots:       cfg.SandboxWorkspaceWrite.WritableRoots,
		NetworkAccess:       cfg.SandboxWorkspaceWrite.NetworkAccess,
		Proxied:             cfg.Proxied(),
		ExcludeTmpdirEnvVar: cfg.SandboxWorkspaceWrite.ExcludeTmpdirEnvVar,
		ExcludeSlashTmp:     cfg.SandboxWorkspaceWrite.ExcludeSlashTmp,
		TmpDir:              env.Getenv("TMPDIR"),
		Denied:              cfg.DenyRead,
	}
	for _, dir := range addDirs {
		request.AdditionalWritable = append(request.AdditionalWritable, env.Abs(dir))
	}
	if profile, named := cfg.FilesystemProfile(); named {
		request.Mode, request.Profile = filesystem.NamedProfile, profile
	}
	return request
}

// Hides reports whether a person or an administrator closed something to reading: then a command that may leave the
// sandbox keeps one.
func (c Confinement) Hides(cfg *config.Config) bool {
	profile, named := cfg.FilesystemProfile()
	return len(cfg.DenyRead) > 0 || named && (!c.Plan.ReadAll ||
		slices.ContainsFunc(profile.Entries, func(e filesystem.Entry) bool { return e.Access == filesystem.AccessDeny }))
}

// Governing are the folders whose files decide about the next run: a confined command must not write them, not
// even where a writable root (the temporary folder, --add-dir $HOME) holds them. A missing one is made, so that no command can.
func Governing(cfg *config.Config) ([]string, error) {
	if err := os.MkdirAll(cfg.CodexHome, 0o700); err != nil && !errors.Is(err, os.ErrPermission) && !errors.Is(err, syscall.EROFS) {
		return nil, fmt.Errorf("make folder for the configuration: %w", err)
	}
	real, err := filepath.EvalSymlinks(cfg.CodexHome)
	switch {
	case errors.Is(err, os.ErrNotExist): // and it cannot be made: not by a command either
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("find folder of the configuration: %w", err)
	}
	return []string{real}, nil
}

// ownState are our folders, which no confined command may look into: whoever reads
// the keys can sign another history. They are made here so that they can be hidden.
func ownState(cfg *config.Config) ([]filesystem.Denied, error) {
	var hidden []filesystem.Denied
	for _, dir := range []string{cfg.ProctorHome, cfg.Proctor.Ledger.Dir, sandboxState(cfg)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make folder for the ledger: %w", err)
		}
		real, err := filepath.EvalSymlinks(dir)
		if err != nil {
			return nil, fmt.Errorf("find folder of the ledger: %w", err)
		}
		inside := filesystem.Within(cfg.Cwd, real) // hiding it would hide the workspace
		known := slices.ContainsFunc(hidden, func(d filesystem.Denied) bool { return filesystem.Within(real, d.Path) })
		if !inside && !known {
			hidden = append(hidden, filesystem.Denied{Path: real, Kind: filesystem.Dir})
		}
	}
	return hidden, nil
}

// Backends are the options for selecting a backend.
func Backends(env cli.Env, cfg *config.Config) backend.Options {
	o := backend.Options{
		StateDir: sandboxState(cfg), Path: env.Getenv("PATH"), Workspace: []string{cfg.Cwd, cfg.ProjectRoot},
		Executable: "/proc/self/exe", Unsupervised: !cfg.Proctor.Sandbox.RecordDenials,
	}
	if name := cfg.Proctor.Sandbox.Backend; name != "auto" {
		o.Only = name
	}
	return o
}

// sandboxState is where the locks of placeholders lie: a command that could open them could hold up other runs.
func sandboxState(cfg *config.Config) string {
	return backend.SharedState(filepath.Join(cfg.ProctorHome, "sandbox"))
}
