package app

import (
	"errors"
	"fmt"
	"os"

	"proctor/event"
	"proctor/executor"
	"proctor/executor/hook"
	"proctor/internal/cli"
	"proctor/internal/codex/install"
	"proctor/internal/config"
	"proctor/internal/terms"
)

// loadHooks reads the hooks of a configuration with what each is trusted for. Warnings are about hooks that are written in a way
// that cannot be called and that nobody trusted anyway; where one was, or needs no trust, it is an error: it may be the one that forbids.
func loadHooks(cfg *config.Config) (hooks []hook.Hook, warnings []string, err error) {
	var errs []error
	for _, source := range cfg.Hooks {
		if !cfg.HooksOn(source) {
			continue
		}
		definitions, problems, err := hook.Parse(source.File, source.Groups)
		if err != nil {
			errs = append(errs, fmt.Errorf("%w; repair it, or use --disable hooks", err))
			continue
		}
		for _, p := range problems {
			_, known := cfg.HookStates[p.Key]
			if p.Event.Gates() && (known || source.Managed || cfg.BypassHookTrust) && admitted(cfg, source) {
				errs = append(errs, fmt.Errorf("%s; it may be what forbids: repair or remove it, or use --disable hooks", p))
				continue
			}
			warnings = append(warnings, "hook left out: "+p.String())
		}
		for _, d := range definitions {
			if install.Ours(d.Command) { // it would ask this process what this process decides anyway
				continue
			}
			h := hook.Hook{Definition: d, Source: string(source.Layer), Trust: trust(cfg, source, d)}
			if !d.Event.Happens() && d.Event.Gates() && h.Trust.Runs() {
				errs = append(errs, fmt.Errorf("%s: this version does not call %s hooks, and this one may forbid; remove it, or use --disable hooks", d.Key, d.Event))
			}
			hooks = append(hooks, h)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, nil, cli.Fail(cli.Failure, err)
	}
	return hooks, warnings, nil
}

func admitted(cfg *config.Config, s config.HookSource) bool {
	return s.Managed || !cfg.Requirements.AllowManagedHooksOnly
}

// trust is why a hook may run, or why not.
func trust(cfg *config.Config, s config.HookSource, d hook.Definition) hook.Trust {
	state, known := cfg.HookStates[d.Key]
	switch {
	case s.Managed:
		return hook.Managed
	case cfg.Requirements.AllowManagedHooksOnly:
		return hook.ManagedOnly
	case state.Enabled != nil && !*state.Enabled:
		return hook.Disabled
	case cfg.BypassHookTrust:
		return hook.Bypassed
	case known && state.TrustedHash != "" && state.TrustedHash == d.Hash():
		return hook.Trusted
	case known && state.TrustedHash != "":
		return hook.Modified
	}
	return hook.Untrusted
}

// whyLeftOut is what a person is told about a hook that does not run.
var whyLeftOut = map[hook.Trust]string{
	hook.Untrusted:   "nobody trusted it",
	hook.Modified:    "it was changed since it was trusted",
	hook.Disabled:    "it is switched off",
	hook.ManagedOnly: "requirements admit managed hooks only (allow_managed_hooks_only)",
}

// prepareHooks makes the hooks of the run, and says which are left out.
func (r *run) prepareHooks() error {
	hooks, warnings, err := loadHooks(r.cfg)
	if err != nil {
		return err
	}
	say := func(format string, args ...any) {
		_, _ = fmt.Fprintln(r.env.Stderr, "warning:", cli.Plain(fmt.Sprintf(format, args...)))
	}
	for _, w := range warnings {
		say("%s", w)
	}
	r.hooks = hook.New(hooks, hook.Options{
		Shell: hookShell(r.env), Dir: r.cfg.Cwd, Env: terms.Environ(r.env, r.cfg, r.confine.Plan), Open: r.cfg.Proctor.Hooks.OnFailure == "open",
	})
	for _, h := range r.hooks.Skipped() {
		hint := ""
		if h.Trust == hook.Untrusted || h.Trust == hook.Modified {
			hint = fmt.Sprintf("; to trust it, write hooks.state.%q.trusted_hash = %q into config.toml", h.Key, h.Hash())
		}
		say("hook %s is left out: %s%s", h.Key, whyLeftOut[h.Trust], hint)
	}
	if r.cfg.BypassHookTrust {
		say("--dangerously-bypass-hook-trust: hooks run that nobody trusted")
	}
	return nil
}

// hookShell is the shell of the person, as Codex has it; another one when it is not there.
func hookShell(env cli.Env) string {
	if s := userShell(env); isFile(s) {
		return s
	}
	return "/bin/sh"
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// skippedHooks are the records of those that are left out.
func (r *run) skippedHooks() (out []event.Payload) {
	for i, h := range r.hooks.Skipped() {
		if i == maxListed {
			break
		}
		out = append(out, executor.SkippedHook(h))
	}
	return out
}

// hooksCheck is what doctor says of hooks.
func hooksCheck(cfg *config.Config) check {
	hooks, _, err := loadHooks(cfg)
	if err != nil {
		return check{"hooks", false, true, err.Error()}
	}
	runs, out := 0, 0
	for _, h := range hooks {
		switch {
		case !h.Event.Happens():
		case h.Trust.Runs():
			runs++
		default:
			out++
		}
	}
	return check{"hooks", out == 0, false, fmt.Sprintf("%d run, %d left out for lack of trust", runs, out)}
}
