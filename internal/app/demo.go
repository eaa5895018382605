package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/internal/fakemodel"
	"proctor/internal/otlpsink"
	"proctor/ledger"
	"proctor/replay"
)

// DemoOptions are the flags of proctor demo.
type DemoOptions struct {
	Dir string // everything lies here; empty makes a new folder
	// Collector is the address of an OTLP/gRPC collector to export to; empty starts one on loopback.
	Collector string
}

// demo is one demonstration on its way.
type demo struct {
	env     cli.Env
	dir     string
	repo    string
	session string
	config  string
	sink    *otlpsink.Sink // nil when a collector was named
	otlp    string         // OTLP/gRPC address in use
}

// Demo runs the main job against a scripted model and checks that everything went as the script says.
func Demo(ctx context.Context, env cli.Env, o DemoOptions) error {
	d := &demo{env: env}
	if err := d.folders(o.Dir); err != nil {
		return cli.Fail(cli.Failure, err)
	}
	model := fakemodel.New(demoScript(d.repo, d.dir))
	url, err := model.Start()
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	defer func() { _ = model.Close() }()
	if d.otlp = o.Collector; d.otlp == "" {
		if d.sink, err = otlpsink.Start(otlpsink.Options{}); err != nil {
			return cli.Fail(cli.Failure, err)
		}
		defer d.sink.Close()
		d.otlp = d.sink.GRPCURL()
	}
	if err := d.settings(url); err != nil {
		return cli.Fail(cli.Failure, err)
	}
	d.title("1. the run: proctor exec, with a scripted model")
	if err := d.exec(ctx); err != nil {
		return err
	}
	if err := errors.Join(model.Finished()); err != nil {
		return cli.Fail(cli.Failure, fmt.Errorf("the run did not go as the script says: %w", err))
	}
	return d.show(ctx)
}

// folders makes the throw-away repository: a program with a test that fails.
func (d *demo) folders(dir string) (err error) {
	if dir == "" {
		// Not below the temporary folder: that is writable for commands, and what is kept here must not be.
		base := filepath.Join(stateHome(d.env), "demo")
		if err := os.MkdirAll(base, 0o700); err != nil {
			return err
		}
		if dir, err = os.MkdirTemp(base, "run-"); err != nil {
			return err
		}
	}
	d.dir = d.env.Abs(dir)
	d.repo = filepath.Join(d.dir, "repo")
	for path, text := range map[string]string{
		"repo/add.sh":   "# add prints the sum of its two arguments\nadd() {\n  echo $(($1 - $2))\n}\n",
		"repo/test.sh":  "#!/bin/sh\n. ./add.sh\ngot=$(add 2 3)\n[ \"$got\" = 5 ] || { echo \"FAIL: add 2 3 = $got, want 5\"; exit 1; }\necho PASS\n",
		"repo/README":   "A program that adds, and its test: sh test.sh\n",
		"home/.keep":    "",
		"outside/notes": "nobody should write here\n",
	} {
		full := filepath.Join(d.dir, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return d.git("init", "-q", "-b", "main", ".")
}

func stateHome(env cli.Env) string {
	if h := env.Getenv("PROCTOR_HOME"); h != "" {
		return h
	}
	if x := env.Getenv("XDG_STATE_HOME"); filepath.IsAbs(x) {
		return filepath.Join(x, "proctor")
	}
	return filepath.Join(env.Getenv("HOME"), ".local", "state", "proctor")
}

func (d *demo) git(args ...string) error {
	for _, a := range [][]string{args, {"add", "-A"}, {"-c", "user.name=demo", "-c", "user.email=demo@example.com", "commit", "-q", "-m", "a test that fails"}} {
		c := exec.Command("git", a...)
		c.Dir = d.repo
		c.Env = []string{"PATH=" + d.env.Getenv("PATH"), "HOME=" + d.dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null"}
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("make the throw-away repository: git %s: %w: %s", strings.Join(a, " "), err, out)
		}
	}
	return nil
}

// settings writes the configuration that the run uses: the scripted model, the collector, the reviewer.
func (d *demo) settings(url string) error {
	d.config = filepath.Join(d.dir, "home", "config.toml")
	return os.WriteFile(d.config, []byte(fmt.Sprintf(`model = "scripted"
model_provider = "scripted"
sandbox_mode = "workspace-write"
approval_policy = "on-request"
approvals_reviewer = "auto_review"

# the run may lie in a temporary folder, and a file beside its repository is outside
[sandbox_workspace_write]
exclude_slash_tmp = true
exclude_tmpdir_env_var = true

[model_providers.scripted]
name = "Scripted model"
base_url = %q
wire_api = "responses"

[otel]
environment = "demo"
exporter = { otlp-grpc = { endpoint = %q } }
metrics_exporter = { otlp-grpc = { endpoint = %q } }
`, url, d.otlp, d.otlp)), 0o600)
}

// demoEnv is the environment of the run: its own homes, everything else as it is.
func (d *demo) demoEnv() cli.Env {
	env := d.env
	env.Environ = append(append([]string{}, env.Environ...),
		"CODEX_HOME="+filepath.Join(d.dir, "home"), "PROCTOR_HOME="+filepath.Join(d.dir, "state"))
	env.Cwd = d.repo
	env.Stdin, env.StdinTerminal = nil, true
	return env
}

func (d *demo) exec(ctx context.Context) error {
	return Exec(ctx, d.demoEnv(), ExecOptions{
		Prompt: demoPrompt, Prompted: true, Config: config.Options{Headless: true},
		OnSession: func(id string) { d.session = id },
	})
}

func (d *demo) title(text string) { _, _ = fmt.Fprintf(d.env.Stderr, "\n== %s\n\n", text) }

// show prints the timeline, verifies, and says where everything lies.
func (d *demo) show(ctx context.Context) (err error) {
	env := d.demoEnv()
	cfg, _, err := env.Configure(config.Options{Headless: true})
	if err != nil {
		return err
	}
	store, err := Open(ctx, env, cfg, Reader)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close(ctx)) }()
	d.title("2. the timeline: proctor replay --last")
	entries, err := store.Entries(ctx, d.session)
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	view := replay.Options{Width: env.Width(), Color: replay.UseColor(env.StdoutTerminal, env.Getenv)}
	if err := replay.Write(env.Stdout, replay.Build(entries), view); err != nil {
		return cli.Fail(cli.Failure, err)
	}
	d.title("3. the proof: proctor ledger verify")
	report, err := store.Ledger.Verify(ctx, ledger.VerifyOptions{})
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	printReport(env, report, nil, "")
	d.title("4. what is where")
	d.where(cfg, len(entries))
	return errors.Join(d.check(replay.Summarize(entries), report))
}

func (d *demo) where(cfg *config.Config, events int) {
	collector := "at " + d.otlp
	if d.sink != nil {
		collector = fmt.Sprintf("got %d log records and %d metric points of this run over OTLP", len(d.sink.Records()), len(d.sink.Points()))
	}
	_, _ = fmt.Fprintf(d.env.Stdout, "repository     %s\nledger         %s\nconfiguration  %s\nsession        %s, %d events\ncollector      %s\n\n"+
		"Look again:      CODEX_HOME=%s PROCTOR_HOME=%s %s replay --last\nRun it for real: OPENAI_API_KEY=... %s exec \"fix the failing test\"   (or --oss for a local model)\n",
		d.repo, cfg.Proctor.Ledger.Dir, d.config, d.session, events, collector,
		filepath.Join(d.dir, "home"), filepath.Join(d.dir, "state"), self(), self())
}

// self is how to call this program again: as it was called, since its own file may be the one behind the front.
func self() string {
	path, err := exec.LookPath(os.Args[0])
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return "proctor"
	}
	return path
}

// check compares what happened with what the script set out to show.
func (d *demo) check(s replay.Summary, report ledger.Report) error {
	var problems []error
	want := func(ok bool, text string) {
		if !ok {
			problems = append(problems, errors.New(text))
		}
	}
	want(report.OK, "the ledger does not verify")
	want(s.Status == "completed", "the turn did not complete")
	want(s.Denials >= 2, "the sandbox denials were not recorded")
	want(s.Refused == 1, "the escalation was not refused")
	want(s.Files == 1, "the patch was not applied")
	want(s.Failed == 3, "other commands failed than the first test, the write outside and the connection")
	want(d.sink == nil || len(d.sink.Records()) > 0, "nothing arrived at the collector")
	b, err := os.ReadFile(filepath.Join(d.dir, "outside", "notes"))
	want(err == nil && string(b) == "nobody should write here\n", "a file outside the workspace was changed")
	if err := errors.Join(problems...); err != nil {
		return cli.Fail(cli.Failure, fmt.Errorf("the demo did not go as told:\n%w", err))
	}
	return nil
}
