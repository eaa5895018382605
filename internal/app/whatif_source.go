package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"proctor/event"
	"proctor/executor/approval"
	"proctor/executor/sandbox"
	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/internal/terms"
	"proctor/policy"
	"proctor/policy/command"
	"proctor/policy/filesystem"
	"proctor/replay"
)

// whatIfSource is another configuration: a folder laid out like CODEX_HOME that may also hold requirements.toml,
// a folder of .rules files, or one file, config.toml or requirements.toml.
type whatIfSource struct {
	name string
	// home, rules and files stand in for CODEX_HOME, its rules folder and single files; empty and nil where they do not.
	home, rules string
	files       map[string]string // by the name below CODEX_HOME, or the absolute one
}

const systemRequirements = "/etc/codex/requirements.toml"

func openWhatIf(env cli.Env, name string) (whatIfSource, error) {
	at := env.Abs(name)
	info, err := os.Stat(at)
	if err != nil {
		return whatIfSource{}, fmt.Errorf("--what-if: %w; expected a folder laid out like CODEX_HOME, a folder of .rules files, config.toml or requirements.toml", err)
	}
	s := whatIfSource{name: at, files: map[string]string{}}
	has := func(name string) bool { _, err := os.Stat(filepath.Join(at, name)); return err == nil }
	rules, _ := filepath.Glob(filepath.Join(at, "*.rules"))
	switch base := filepath.Base(at); {
	case info.IsDir() && (has("config.toml") || has("rules") || has("requirements.toml") || len(rules) == 0):
		s.home = at
		if has("requirements.toml") {
			s.files[systemRequirements] = filepath.Join(at, "requirements.toml")
		}
	case info.IsDir():
		s.rules = at
	case base == "requirements.toml":
		s.files[systemRequirements] = at
	case strings.HasSuffix(base, ".toml"):
		s.files["config.toml"] = at
	default:
		return s, fmt.Errorf("--what-if %s: expected a folder, or a file config.toml or requirements.toml; put .rules files into a folder", name)
	}
	return s, nil
}

// place is where a file of the recorded run stands now.
func (s whatIfSource) place(codexHome, file string) string {
	if at, ok := s.files[file]; ok {
		return at
	}
	below, ok := strings.CutPrefix(file, codexHome+"/")
	if file == codexHome {
		below, ok = "", true
	}
	if !ok || codexHome == "" {
		return file
	}
	if at, ok := s.files[below]; ok {
		return at
	}
	switch {
	case s.rules != "" && below == "rules":
		return s.rules
	case s.rules != "" && strings.HasPrefix(below, "rules/"):
		return path.Join(s.rules, strings.TrimPrefix(below, "rules/"))
	case s.home != "":
		return path.Join(s.home, below)
	}
	return file
}

// disk is the machine's own files with those of the source in their places.
type disk struct {
	source    whatIfSource
	codexHome string
	base      fs.FS
}

func (d disk) name(name string) string {
	return strings.TrimPrefix(d.source.place(d.codexHome, "/"+name), "/")
}

// Open implements fs.FS.
func (d disk) Open(name string) (fs.File, error) { return d.base.Open(d.name(name)) }

// Stat implements fs.StatFS.
func (d disk) Stat(name string) (fs.FileInfo, error) { return fs.Stat(d.base, d.name(name)) }

// authorities makes that of a session, once for all sessions that were launched alike.
type authorities struct {
	source    whatIfSource
	overrides []string
	made      map[string]madeAuthority
	failed    error // why a configuration did not load
}

type madeAuthority struct {
	authority replay.Authority
	err       error
}

// maxAuthorities bounds the cache; a full one is emptied.
const maxAuthorities = 256

var errNoLaunch = errors.New("the session does not say how it was launched: an older version recorded it, or its content was erased")

func (m *authorities) of(p replay.Past) (replay.Authority, error) {
	key := p.Launch + "\x00" + p.Request + "\x00" + p.Plan + "\x00" + p.Digest
	if a, ok := m.made[key]; ok {
		return a.authority, a.err
	}
	if len(m.made) >= maxAuthorities {
		clear(m.made)
	}
	var a madeAuthority
	a.authority, a.err = m.make(p)
	m.made[key] = a
	return a.authority, a.err
}

func (m *authorities) make(p replay.Past) (replay.Authority, error) {
	var launch config.Launch
	if json.Unmarshal([]byte(p.Launch), &launch) != nil || launch.Cwd == "" {
		return nil, errNoLaunch
	}
	o := launch.Options()
	o.FS = disk{m.source, launch.CodexHome, os.DirFS("/")}
	o.Overrides = append(o.Overrides, m.overrides...)
	for _, own := range m.overrides { // a new -c beats the flag of the run for the same key
		key, _, _ := strings.Cut(own, "=")
		o.Flags = slices.DeleteFunc(o.Flags, func(f config.Flag) bool { return f.Key == strings.TrimSpace(key) })
	}
	cfg, _, err := config.Load(o)
	if err == nil {
		var a replay.Authority
		if a, err = m.decide(cfg, launch, p); err == nil {
			return a, nil
		}
	}
	m.failed = errors.New(strings.ReplaceAll(err.Error(), launch.CodexHome+"/", or(m.source.home, launch.CodexHome)+"/"))
	return nil, errors.New("its configuration does not load now")
}

// decide makes the authority of cfg, with what the session recorded of the disk.
func (m *authorities) decide(cfg *config.Config, launch config.Launch, p replay.Past) (replay.Authority, error) {
	rules, files, err := terms.RulesIn(cfg, launch.IgnoreRules, func(dir string) string { return m.source.place(launch.CodexHome, dir) })
	if err != nil {
		return nil, err
	}
	r := run{env: cli.Env{Environ: []string{"TMPDIR=" + launch.TmpDir, "HOME=" + launch.Home}, Cwd: launch.Cwd}, cfg: cfg, rules: rules, files: files}
	var old filesystem.Plan
	known := json.Unmarshal([]byte(p.Plan), &old) == nil
	var lost error
	r.confine.Plan, lost = planAgain(r.env, cfg, p.Request, old, known)
	a := r.authority()
	same := lost == nil && a.Digest == p.Digest
	return func(action event.Action, was policy.Facts) (policy.Facts, error) {
		return factsAgain(a, lost, same, old, action, was)
	}, nil
}

// planAgain is the plan under cfg: the recorded one when the same was asked for, otherwise one made on the disk as it is now.
func planAgain(env cli.Env, cfg *config.Config, request string, old filesystem.Plan, known bool) (filesystem.Plan, error) {
	var before filesystem.Request
	now := terms.Asked(env, cfg, nil)
	if known && json.Unmarshal([]byte(request), &before) == nil {
		if normal(before) == normal(now) {
			return old, nil
		}
	}
	if known && now.Mode != filesystem.DangerFullAccess { // our own folders stay what they were
		now.ReadOnly, now.DeniedReads = old.ReadOnly, old.DeniedReads
	}
	if _, err := os.Stat(cfg.Cwd); err != nil && now.Mode == filesystem.WorkspaceWrite {
		return filesystem.Plan{}, errors.New("another sandbox is asked for, and the folder of the session is gone")
	}
	return sandbox.Plan(now)
}

// normal makes requests comparable: JSON knows no difference between a missing list and an empty one.
func normal(r filesystem.Request) string {
	b, err := json.Marshal(r)
	if err != nil {
		return err.Error()
	}
	return strings.ReplaceAll(string(b), ":[]", ":null")
}

var errFromParts = errors.New("its facts came from a part that does not run now, and the policy is another one")

// factsAgain makes the facts of one action. Lost is why there is no plan; same says that the policy is the recorded one.
func factsAgain(a approval.Authority, lost error, same bool, old filesystem.Plan, action event.Action, was policy.Facts) (policy.Facts, error) {
	f := approval.Facts(a, approval.Request{Action: action, Stdin: was.Stdin, MCP: was.MCP, Parsed: &command.Parsed{Parts: was.Parts, Inner: was.Inner}})
	f.SessionApproved, f.Overridden, f.GrantedBy = was.SessionApproved, was.Overridden, was.GrantedBy
	f.Headless = was.Headless     // whether somebody sat there
	f.Hook = was.Hook             // what hooks said then
	if action.Tool == setupTool { // the phase decides these, and no setting
		f.Approval, f.Sandbox, f.DeniedReads = was.Approval, was.Sandbox, was.DeniedReads
	}
	f.Permissions, f.Network = was.Permissions, was.Network
	switch {
	case (was.Permissions != nil || was.Network != nil || was.MCP != nil && was.MCP.Mode != "") && !same:
		return f, errFromParts
	case f.Writes == nil || was.Writes == nil:
		return f, nil
	case lost != nil:
		return f, lost
	}
	f.Writes.Outside = slices.DeleteFunc(f.Writes.Outside, func(file string) bool {
		// inside then, though not by the plan: a person had given it for the turn
		given := slices.Contains(was.Writes.Inside, file) && !old.CheckWrite(file).Allowed
		if given {
			f.Writes.Inside = append(f.Writes.Inside, file)
		}
		return given
	})
	return f, nil
}
