package config

import (
	"path"
	"regexp"
	"slices"
	"sync"
)

// Environment is [environment]: what is prepared before an agent, or a command of proctor run, begins to work. It stands
// in $PROCTOR_HOME/proctor.toml, and in .codex/proctor.toml of a trusted project, which commands of an agent cannot
// write. Files of Codex do not hold it: Codex would call the keys unknown.
type Environment struct {
	// Setup are shell commands, run in order with the network and the secrets.
	Setup []string
	// Secrets are the variables of the caller that setup gets and nothing after it; SecretFiles are files whose
	// content it gets under a name. A project cannot name files: setup would carry them out.
	Secrets     []string
	SecretFiles map[string]string // name to absolute path
	// Network is whether setup reaches the network, as far as the requirements let it.
	Network bool
	// Cache are files, relative to the working folder: while they and the setup are unchanged, setup does not run again.
	Cache []string
	// Leftover is what happens when setup left a secret behind in a file: LeftoverFail or LeftoverWarn.
	Leftover string
	// Origin is where the setup was written.
	Origin Origin
}

// What to do about a secret that setup left behind.
const (
	LeftoverFail = "fail"
	LeftoverWarn = "warn"
)

// Wanted reports whether there is anything to prepare.
func (e Environment) Wanted() bool { return len(e.Setup) > 0 }

const (
	maxSetup        = 64
	maxSetupCommand = 64 << 10
	maxSecrets      = 64
)

// projectProctorFile is the file of a project, in its .codex folder.
const projectProctorFile = projectFolder + "/" + proctorFileName

func environmentSchema(project bool) *spec {
	command := &spec{kind: stringValue, what: "a shell command", check: func(n *node) (string, string) {
		if s := n.val.(string); s == "" || len(s) > maxSetupCommand {
			return "got " + shown(s), "a shell command of at most 64 KiB"
		}
		return "", ""
	}}
	fields := map[string]*spec{
		"setup":   union(command, atMost(maxSetup, list(command))),
		"secrets": atMost(maxSecrets, list(secretName())),
		"network": boolean(),
		"cache":   atMost(maxSecrets, list(text())),
	}
	if !project {
		fields["leftover"] = words(LeftoverFail, LeftoverWarn)
		fields["secret_files"] = &spec{kind: mapValue, elem: text(), keys: func(k string) (string, string) {
			if !variable().MatchString(k) {
				return "got " + shown(k), "the name of a variable"
			}
			return "", ""
		}}
	}
	return table(fields)
}

var variable = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`) })

func secretName() *spec {
	return &spec{kind: stringValue, what: "the name of a variable", check: func(n *node) (string, string) {
		if s := n.val.(string); !variable().MatchString(s) {
			return "got " + shown(s), "the name of a variable, such as NPM_TOKEN"
		}
		return "", ""
	}}
}

func atMost(n int, s *spec) *spec {
	s.check = func(v *node) (string, string) {
		if len(v.items) > n {
			return "too many elements", s.String()
		}
		return "", ""
	}
	return s
}

// environment joins the user's table, which may be nil, with the project's. A project adds to the secrets and
// replaces the rest; the requirements have the last word about the network.
func (l *loader) environment(c *Config, user *node) Environment {
	e := Environment{Network: true, Leftover: LeftoverFail}
	e.merge(user)
	e.mergeOwn(user)
	file := path.Join(c.ProjectRoot, projectProctorFile)
	if doc := l.projectEnvironment(c, file); doc != nil {
		e.merge(doc.find("environment"))
	}
	for name, p := range e.SecretFiles {
		e.SecretFiles[name] = l.expandHome(p)
		if !path.IsAbs(e.SecretFiles[name]) {
			l.r.fail(&Error{File: proctorFileName, Key: "environment.secret_files." + name, Got: "got " + shown(p), Expected: "an absolute path"})
		}
	}
	for _, name := range e.Cache {
		if path.IsAbs(name) || !staysBelow(name) {
			l.r.failAt(e.Origin, "environment.cache", "got "+shown(name), "a path below the working folder", "")
		}
	}
	if !e.Wanted() {
		return e
	}
	req := c.Requirements
	if e.Network && req.Network.Present {
		e.Network = false
		l.r.warn(WarnNote, e.Origin, "environment.network", "the requirements govern the network, so setup runs without it")
	}
	if m := req.AllowedSandboxModes; m != nil && !slices.Contains(m, WorkspaceWrite) {
		l.r.failAt(e.Origin, "environment.setup", "setup writes into the workspace, and the requirements do not allow sandbox_mode workspace-write",
			"", "remove the setup, or ask the administrator")
	}
	return e
}

// staysBelow reports whether a relative path stays below its folder.
func staysBelow(p string) bool {
	p = path.Clean(p)
	return p != ".." && p != "." && (len(p) < 3 || p[:3] != "../")
}

// projectEnvironment is the project's file, nil when there is none to use.
func (l *loader) projectEnvironment(c *Config, file string) *node {
	if path.Join(c.ProjectRoot, projectFolder) == c.CodexHome || !l.files.exists(file) {
		return nil
	}
	if c.Trust != Trusted {
		l.r.warn(WarnDropped, Origin{Layer: LayerProject, File: file}, "environment",
			"the folder is not trusted, so its setup is not run; mark it as trusted in the user's config.toml, or use --trust")
		return nil
	}
	doc, err := l.document(LayerProject, file)
	if err != nil {
		l.r.fail(asError(err, file))
		return nil
	}
	before := len(l.r.errs)
	l.check.validate(doc, table(map[string]*spec{"environment": environmentSchema(true)}), nil)
	if len(l.r.errs) > before {
		return nil
	}
	return doc
}

// merge takes what a checked table says.
func (e *Environment) merge(t *node) {
	if t == nil {
		return
	}
	if n := t.find("setup"); n != nil {
		e.Setup, e.Origin = texts(n), n.origin
	}
	for _, name := range texts(t.find("secrets")) {
		if !slices.Contains(e.Secrets, name) {
			e.Secrets = append(e.Secrets, name)
		}
	}
	if n := t.find("network"); n != nil {
		e.Network, _ = n.val.(bool)
	}
	if n := t.find("cache"); n != nil {
		e.Cache = texts(n)
	}
}

// mergeOwn takes what only the user's file may say; the schema of a project's has no such keys, so they are no errors there.
func (e *Environment) mergeOwn(t *node) {
	if t == nil {
		return
	}
	if s := t.text("leftover"); s != "" {
		e.Leftover = s
	}
	if n := t.find("secret_files"); n.isTable() {
		e.SecretFiles = map[string]string{}
		for k, v := range n.kids {
			e.SecretFiles[k], _ = v.val.(string)
		}
	}
}

// texts are the elements of a list of texts, or the one text.
func texts(n *node) []string {
	if n == nil {
		return nil
	}
	if s, ok := n.val.(string); ok {
		return []string{s}
	}
	out := make([]string, 0, len(n.items))
	for _, item := range n.items {
		s, _ := item.val.(string)
		out = append(out, s)
	}
	return out
}
