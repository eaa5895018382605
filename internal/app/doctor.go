package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"proctor/executor/sandbox/backend"
	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/internal/terms"
	"proctor/ledger"
	"proctor/policy/execrules"
)

// check is one line of doctor.
type check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Needed bool   `json:"needed"` // a run fails without it
	Detail string `json:"detail"`
}

// Doctor looks at everything a run needs.
func Doctor(ctx context.Context, env cli.Env, opts config.Options, asJSON, codex bool) error {
	opts.Headless = true
	cfg, warnings, err := env.Configure(opts)
	var checks []check
	if err != nil {
		checks = append(checks, check{"configuration", false, true, err.Error()})
	} else {
		checks = append(checks, configChecks(cfg, warnings)...)
		checks = append(checks, folderCheck(cfg), modelCheck(env, cfg), ledgerCheck(ctx, cfg))
		checks = append(checks, collectorChecks(ctx, cfg)...)
	}
	sandboxes, usable := sandboxChecks(ctx, env, cfg)
	checks = append(append(sandboxes, checks...), codexChecks(ctx, env)...)
	if codex {
		checks = append(checks, codexLiveChecks(ctx, env, cfg)...)
	}
	return verdictOf(env, checks, usable, asJSON)
}

func verdictOf(env cli.Env, checks []check, usable, asJSON bool) error {
	enc := json.NewEncoder(env.Stdout)
	broken := false
	for _, c := range checks {
		broken = broken || c.Needed && !c.OK
		if asJSON {
			if err := enc.Encode(c); err != nil {
				return cli.Fail(cli.Failure, err)
			}
			continue
		}
		mark := "ok  "
		switch {
		case !c.OK && c.Needed:
			mark = "FAIL"
		case !c.OK:
			mark = "--  "
		}
		_, _ = fmt.Fprintf(env.Stdout, "%s %-22s %s\n", mark, c.Name, cli.Plain(c.Detail))
	}
	switch {
	case !usable:
		return cli.Fail(cli.NoSandbox, errors.New("no sandbox backend works here; see the lines above"))
	case broken:
		return cli.Fail(cli.Failure, errors.New("a run would not work; see the lines marked FAIL"))
	}
	return nil
}

func sandboxChecks(ctx context.Context, env cli.Env, cfg *config.Config) (checks []check, usable bool) {
	if cfg == nil {
		return nil, true // said with the configuration
	}
	reports, err := backend.Probe(ctx, terms.Backends(env, cfg))
	if err != nil {
		return []check{{"sandbox", false, true, err.Error()}}, false
	}
	for _, p := range reports {
		first := p.Usable && !usable
		usable = usable || p.Usable
		checks = append(checks, check{"sandbox " + p.Name, p.Usable, false, sandboxDetail(p, first)})
		for _, gap := range p.Gaps {
			checks = append(checks, check{"gap " + p.Name, true, false, gap})
		}
	}
	for _, f := range backend.Facts() {
		checks = append(checks, check{f.Name, f.OK, false, f.Detail})
	}
	return checks, usable
}

// sandboxDetail describes a backend; the first usable one is what commands run in.
func sandboxDetail(p backend.Report, first bool) string {
	if !p.Usable {
		return p.Reason + "; " + p.Advice
	}
	detail := "usable"
	if first {
		detail = "in use"
	}
	if p.Version != "" {
		detail += ", " + p.Version
	}
	if p.Path != "" {
		detail += " at " + p.Path
	}
	if p.Exact {
		return detail + ", refused calls are recorded exactly"
	}
	return detail + ", refused calls are not watched"
}

func configChecks(cfg *config.Config, warnings []config.Warning) []check {
	checks := []check{{"configuration", true, true, fmt.Sprintf("%s, sandbox %s, approvals %s by %s",
		configFile(cfg), cfg.SandboxMode, cfg.ApprovalPolicy, cfg.ApprovalsReviewer)}}
	for _, w := range warnings {
		checks = append(checks, check{"configuration", false, w.ManagedTypo(), w.String()})
	}
	if err := terms.Refused(cfg); err != nil {
		checks = append(checks, check{"settings", false, true, err.Error()})
	}
	rules, files, err := terms.Rules(cfg, false)
	if err != nil {
		return append(checks, check{"rules", false, true, err.Error()})
	}
	checks = append(checks, check{"rules", true, true, fmt.Sprintf("%d files", len(files))}, hooksCheck(cfg))
	return append(checks, networkChecks(cfg, rules)...)
}

// networkChecks say how commands reach the network, and what of its settings is dangerous or does not count.
func networkChecks(cfg *config.Config, rules *execrules.Rules) []check {
	n, err := terms.NetworkOf(cfg, rules)
	if err != nil {
		return []check{{"network", false, true, err.Error()}}
	}
	how := "commands have none"
	switch {
	case n.Proxied:
		rules := len(n.Policy.Domains)
		if m := n.Policy.Managed; m != nil {
			rules += len(m.Domains)
		}
		how = fmt.Sprintf("through the proxy only, %s mode, %d rules; 'proctor policy egress HOST' decides about one", n.Policy.Mode, rules)
	case cfg.NetworkAccess():
		how = "commands reach everything directly"
	}
	checks := []check{{"network", true, false, how}}
	for _, note := range n.Notes {
		if n.Proxied {
			checks = append(checks, check{"network", false, false, note})
		}
	}
	return checks
}

func configFile(cfg *config.Config) string {
	path := filepath.Join(cfg.CodexHome, "config.toml")
	if _, err := os.Stat(path); err != nil {
		return path + " is not there, defaults hold"
	}
	return path
}

// folderCheck says how the folder stands and what is recommended for it.
func folderCheck(cfg *config.Config) check {
	git := isGit(cfg.ProjectRoot)
	mode, approvals := config.Recommended(git)
	control, trust := "not under version control", "not decided yet, read-only until it is trusted"
	if git {
		control = "under version control"
	}
	if cfg.Trust != config.TrustUndecided {
		trust = string(cfg.Trust)
	}
	return check{"folder", true, false, fmt.Sprintf("%s: %s, %s; recommended: --sandbox %s --ask-for-approval %s", cfg.ProjectRoot, control, trust, mode, approvals)}
}

func modelCheck(env cli.Env, cfg *config.Config) check {
	client, err := newModel(env, cfg)
	if err != nil {
		return check{"model", false, true, err.Error()}
	}
	defer client.Close()
	return check{"model", true, true, fmt.Sprintf("%s at %s", cfg.Model, client.URL())}
}

func ledgerCheck(ctx context.Context, cfg *config.Config) check {
	dir := cfg.Proctor.Ledger.Dir
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return check{"ledger", true, true, dir + " does not exist yet; the first run creates it"}
	}
	l, err := ledger.Open(dir, ledger.Options{})
	switch {
	case errors.Is(err, ledger.ErrInUse):
		return sharedCheck(ctx, dir, err)
	case err != nil:
		return check{"ledger", false, true, err.Error()}
	}
	defer func() { _ = l.Close() }()
	sessions, err := l.Sessions(ctx)
	if err := errors.Join(err, l.Err()); err != nil {
		return check{"ledger", false, true, err.Error()}
	}
	return check{"ledger", true, true, fmt.Sprintf("%s: %d entries, %d sessions", dir, l.Tree().Size, len(sessions))}
}

// sharedCheck looks at a ledger that another process has.
func sharedCheck(ctx context.Context, dir string, inUse error) check {
	l, err := ledger.OpenReadOnly(dir, ledger.Options{})
	if err != nil {
		return check{"ledger", false, true, errors.Join(inUse, err).Error()}
	}
	defer func() { _ = l.Close() }()
	sessions, err := l.Sessions(ctx)
	if err != nil {
		return check{"ledger", false, true, err.Error()}
	}
	return check{"ledger", true, true, fmt.Sprintf("%s: %d entries, %d sessions; %v", dir, l.Tree().Size, len(sessions), inUse)}
}

// collectorChecks sees whether each configured collector can be reached.
func collectorChecks(ctx context.Context, cfg *config.Config) []check {
	var checks []check
	for _, e := range []struct {
		signal string
		config.Exporter
	}{{"logs", cfg.Otel.Exporter}, {"metrics", cfg.Otel.MetricsExporter}, {"traces", cfg.Otel.TraceExporter}} {
		if !e.Enabled() {
			checks = append(checks, check{"collector " + e.signal, true, false, "off"})
			continue
		}
		err := reach(ctx, e.Endpoint)
		detail := string(e.Kind) + " " + e.Endpoint
		if err != nil {
			detail += ": " + err.Error()
		}
		checks = append(checks, check{"collector " + e.signal, err == nil, false, detail})
	}
	return checks
}

func reach(ctx context.Context, endpoint string) error {
	u, err := url.Parse(endpoint)
	if err != nil {
		return err
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	d := net.Dialer{Timeout: 3 * time.Second}
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return err
	}
	return conn.Close()
}
