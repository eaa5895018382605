package unrecorded

import (
	"strings"

	"proctor/event"
	"proctor/executor/approval"
	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/internal/terms"
	"proctor/policy"
	"proctor/replay"
)

// PolicyExplainOptions are the flags of proctor policy explain.
type PolicyExplainOptions struct {
	Config      config.Options
	IgnoreRules bool
	Interactive bool // a person can be asked
	Escalated   bool // the call asks to run outside the sandbox
	JSON        bool
	Command     []string
}

// PolicyExplain says what would be decided about a command, from which facts, and what would change it. Nothing is run.
func PolicyExplain(env cli.Env, o PolicyExplainOptions) error {
	cfg, warnings, err := env.Configure(o.Config)
	cli.ShowWarnings(env, warnings)
	if err != nil {
		return err
	}
	rules, _, err := terms.Rules(cfg, o.IgnoreRules)
	if err != nil {
		return err
	}
	argv := asCommand(o.Command)
	action := event.Action{Kind: event.ActionCommand, Argv: argv, Cwd: env.Cwd}
	if o.Escalated {
		action.Permissions, action.Justification = event.RequireEscalated, "explained"
	}
	facts := approval.Facts(approval.Authority{
		Approval: terms.Approval(cfg.ApprovalPolicy), Sandbox: policy.SandboxMode(cfg.SandboxMode),
		Reviewer: policy.Reviewer(cfg.ApprovalsReviewer), Headless: !o.Interactive, Rules: rules, Home: env.Getenv("HOME"),
	}, approval.Request{Action: action})
	why := replay.Decided(facts, argv, settingsNow(cfg))
	if o.JSON {
		return encode(env.Stdout, why)
	}
	return cli.Fail(cli.Failure, replay.WriteWhy(env.Stdout, why, replay.Options{
		Width: env.Width(), Color: replay.UseColor(env.StdoutTerminal, env.Getenv),
	}))
}

// asCommand is what the executor would run: one word with blanks is shell text, as a model writes it.
func asCommand(words []string) []string {
	if len(words) == 1 && strings.ContainsAny(words[0], " \t\n;|&") {
		return []string{"bash", "-lc", words[0]}
	}
	return words
}

// settingsNow are the settings that decide, with their origins.
func settingsNow(cfg *config.Config) []replay.WhySetting {
	var out []replay.WhySetting
	for _, key := range replay.WhySettings() {
		x := cfg.Explain(key)
		s := replay.WhySetting{Key: key, Value: x.Value, Layer: string(x.Origin.Layer), File: x.Origin.File, Line: x.Origin.Line, Column: x.Origin.Column}
		if x.Constraint != nil {
			s.By = x.Constraint.Rule
		}
		out = append(out, s)
	}
	return out
}
