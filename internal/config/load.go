package config

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
)

// Load reads every layer and returns the effective configuration with what a
// person should know about it. On error the Config is nil and the error joins
// one [*Error] per problem; the warnings are valid in either case.
func Load(opts Options) (*Config, []Warning, error) {
	l, err := newLoader(opts)
	if err != nil {
		return nil, nil, err
	}
	c, err := l.load()
	return c, l.r.warnings, err
}

func (l *loader) load() (*Config, error) {
	l.gather()
	req := l.requirements()
	if err := l.r.err(); err != nil {
		return nil, err
	}
	c := l.config(req)
	if err := l.r.err(); err != nil {
		return nil, err
	}
	c.files = l.read
	return c, nil
}

// Files are the files that took part, in the order they were read.
func (c *Config) Files() []Source { return c.files }

func newLoader(opts Options) (*loader, error) {
	if opts.FS == nil {
		opts.FS = os.DirFS("/")
	}
	if opts.LookupEnv == nil {
		opts.LookupEnv = func(string) (string, bool) { return "", false }
	}
	if !path.IsAbs(opts.Cwd) {
		return nil, fmt.Errorf("load configuration for folder %q: expected an absolute path", opts.Cwd)
	}
	opts.Cwd = path.Clean(opts.Cwd)
	r := &report{}
	l := &loader{opts: opts, files: files{opts.FS}, r: r, schema: configSchema()}
	l.check = checker{r: r, strict: opts.Strict}
	l.home = opts.getenv("HOME")
	var err error
	if l.codex, err = homeDir(opts, "CODEX_HOME", projectFolder); err != nil {
		return nil, err
	}
	return l, nil
}

// getenv is the value of a variable, empty when it is not set.
func (o Options) getenv(name string) string {
	if v, ok := o.LookupEnv(name); ok {
		return v
	}
	return ""
}

// homeDir is the folder named by a variable, or fallback below HOME.
func homeDir(opts Options, variable, fallback string) (string, error) {
	if dir := opts.getenv(variable); dir != "" {
		if !path.IsAbs(dir) {
			return "", &Error{Key: variable, Got: shown(dir), Expected: "an absolute path"}
		}
		return path.Clean(dir), nil
	}
	home := opts.getenv("HOME")
	if !path.IsAbs(home) {
		return "", &Error{Key: "HOME", Got: "got " + shown(home), Expected: "an absolute path",
			Hint: "set HOME or " + variable}
	}
	return path.Join(home, fallback), nil
}

// proctorHome is $PROCTOR_HOME, else $XDG_STATE_HOME/proctor, else below HOME.
func proctorHome(opts Options) (string, error) {
	if dir := opts.getenv("PROCTOR_HOME"); dir == "" {
		if state := opts.getenv("XDG_STATE_HOME"); path.IsAbs(state) {
			return path.Join(state, "proctor"), nil
		}
	}
	return homeDir(opts, "PROCTOR_HOME", ".local/state/proctor")
}

// config turns the gathered layers into the typed result.
func (l *loader) config(req Requirements) *Config {
	c := &Config{
		CodexHome: l.codex, Cwd: l.opts.Cwd, ProjectRoot: l.root, Profile: l.opts.Profile,
		Trust: l.trust, Headless: l.opts.Headless, Requirements: req,
		final: l.merged(), layers: l.layers, settled: map[string]Constraint{},
	}
	delete(c.final.kids, "profiles")
	l.addDirs(c)
	l.constrain(c)
	if len(l.r.errs) > 0 {
		return c
	}
	l.decodeAll(c)
	l.providers(c)
	l.exporters(c)
	l.servers(c)
	l.hooks(c)
	var err error
	if c.ProctorHome, err = proctorHome(l.opts); err != nil {
		l.r.fail(asError(err, ""))
		return c
	}
	var environment *node
	c.Proctor, environment = l.proctor(c.ProctorHome)
	c.Environment = l.environment(c, environment)
	l.network(c)
	c.Proctor.Review.ReviewThresholds = c.Proctor.Review.narrowed(c.Requirements.Review)
	return c
}

func (l *loader) decodeAll(c *Config) {
	t := c.final
	c.Model, c.AutoReviewModel = t.text("model"), t.text("auto_review_model")
	c.ModelProviderID = t.text("model_provider")
	c.ModelReasoningEffort, c.ModelReasoningSummary = t.text("model_reasoning_effort"), t.text("model_reasoning_summary")
	c.ModelVerbosity, c.DeveloperInstructions = t.text("model_verbosity"), t.text("developer_instructions")
	c.ForcedLoginMethod = t.text("forced_login_method")
	if more := c.Requirements.DeveloperInstructions; more != "" {
		c.constrainTo("developer_instructions", strings.TrimSpace(c.DeveloperInstructions+"\n\n"+more), "additional_developer_instructions",
			c.Requirements.tree.find("additional_developer_instructions").origin)
		c.DeveloperInstructions = t.text("developer_instructions")
	}
	errs := []error{
		decode(t.find("model_context_window"), &c.ModelContextWindow),
		decode(t.find("sandbox_workspace_write"), &c.SandboxWorkspaceWrite),
		decode(t.find("allow_login_shell"), &c.AllowLoginShell),
		decode(t.find("shell_environment_policy"), &c.ShellEnvironmentPolicy),
		decode(t.find("history"), &c.History),
		decode(t.find("projects"), &c.Projects),
		decode(t.find("otel"), &c.Otel),
		decode(t.find("mcp_servers"), &c.MCPServers),
		decode(t.find("notify"), &c.Notify),
		decode(t.find("tool_output_token_limit"), &c.ToolOutputTokenLimit),
		decode(t.find("project_doc_max_bytes"), &c.ProjectDocMaxBytes),
		decode(t.find("features", "network_proxy"), &c.NetworkProxy),
	}
	if err := errors.Join(errs...); err != nil {
		l.r.fail(&Error{Err: fmt.Errorf("decode a checked configuration: %w", err), Hint: "please report this, the schema has a hole"})
	}
	c.Features = featureFlags(t.find("features"))
	for i, root := range c.SandboxWorkspaceWrite.WritableRoots {
		if l.home == "" && strings.HasPrefix(root, "~") {
			l.r.failAt(c.final.find("sandbox_workspace_write", "writable_roots").origin, "sandbox_workspace_write.writable_roots",
				"got "+shown(root), "an absolute path while HOME is not set", "")
		}
		c.SandboxWorkspaceWrite.WritableRoots[i] = l.expandHome(root)
	}
}

// addDirs appends to the configured roots; a list in a layer would replace them.
func (l *loader) addDirs(c *Config) {
	o := Origin{Layer: LayerFlag, File: "--add-dir"}
	for _, dir := range l.opts.AddDirs {
		if !path.IsAbs(dir) {
			l.r.failAt(o, "", "got "+shown(dir), "an absolute path", "")
			continue
		}
		roots := c.final.find("sandbox_workspace_write", "writable_roots")
		more := &node{array: true, origin: o, items: slices.Clone(itemsOf(roots))}
		more.items = append(more.items, &node{val: path.Clean(dir), origin: o})
		c.final.put(more, "sandbox_workspace_write", "writable_roots")
	}
}

func (l *loader) expandHome(p string) string {
	if l.home != "" && (p == "~" || strings.HasPrefix(p, "~/")) {
		return path.Join(l.home, p[1:])
	}
	return p
}

// RuleFolders are the folders that may hold .rules files of the layers in use,
// weakest first; a project's only when it is trusted. They need not exist.
func (c *Config) RuleFolders() []string {
	folders := []string{"/etc/codex/rules", path.Join(c.CodexHome, "rules")}
	if c.Trust != Trusted {
		return folders
	}
	for _, dir := range projectFolders(c.ProjectRoot, c.Cwd) {
		if folder := path.Join(dir, projectFolder); folder != c.CodexHome {
			folders = append(folders, path.Join(folder, "rules"))
		}
	}
	return folders
}

// featureFlags reads a table-valued feature by its enabled key, on when absent.
func featureFlags(n *node) map[string]bool {
	flags := map[string]bool{}
	for name, f := range tableOf(n) {
		switch v := f.val.(type) {
		case bool:
			flags[name] = v
		default:
			enabled, written := true, f.find("enabled")
			if written != nil {
				enabled, _ = written.val.(bool)
			}
			flags[name] = enabled
		}
	}
	return flags
}
