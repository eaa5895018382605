package mcp

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"proctor/event"
	"proctor/policy"
)

const (
	defaultStart = 10 * time.Second
	defaultCall  = 60 * time.Second
	stopTime     = 2 * time.Second
)

// ServerConfig is one [mcp_servers.NAME] of the configuration: a command, or a URL.
type ServerConfig struct {
	// Name is the table name: letters, digits, '-' and '_'.
	Name    string
	Command string
	Args    []string
	// Env is the whole environment of the command, "NAME=value", see Environ.
	Env []string
	// Cwd is the absolute working directory of the command.
	Cwd string
	// URL is the streamable HTTP endpoint, Headers what every request to it carries, secrets among them.
	URL     string
	Headers map[string]string
	// StartupTimeout and ToolTimeout default to 10 s and 60 s. While a question of the server waits for its answer, the
	// time of its call stands still.
	StartupTimeout, ToolTimeout time.Duration
	// Enabled, when not nil, are the only tools offered; Disabled are not offered.
	Enabled, Disabled []string
	// Mode says how calls are approved, Modes the same for single tools by the name that the server gives them.
	Mode  policy.ToolMode
	Modes map[string]policy.ToolMode
	// Asker answers what the server asks the user; without it every question is declined.
	Asker Asker
}

func (c ServerConfig) check() error {
	var problems []error
	if c.Name == "" || safeName(c.Name) != c.Name || len(c.Name) > 40 {
		problems = append(problems, fmt.Errorf("name %q: expected 1 to 40 letters, digits, '-' or '_'", c.Name))
	}
	switch {
	case c.Command != "" && c.URL != "":
		problems = append(problems, errors.New("both command and url are set; expected one of them"))
	case c.URL != "":
		if u, err := url.Parse(c.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
			problems = append(problems, errors.New("url: expected http:// or https:// with a host and without a user; tokens belong into bearer_token_env_var"))
		}
	case c.Command == "":
		problems = append(problems, errors.New("command is empty, and there is no url"))
	case !filepath.IsAbs(c.Cwd):
		problems = append(problems, fmt.Errorf("cwd %q is not absolute", c.Cwd))
	}
	if len(problems) > 0 {
		return fmt.Errorf("MCP server %q: %w", c.Name, errors.Join(problems...))
	}
	return nil
}

// origin is what stands behind the name: the command line, or the URL.
func (c ServerConfig) origin() string {
	if c.URL != "" {
		return c.URL
	}
	return event.CommandLine(append([]string{c.Command}, c.Args...))
}

// place names the server in messages, without what its URL may hold beside the host.
func (c ServerConfig) place() string {
	if u, err := url.Parse(c.URL); err == nil && c.URL != "" {
		return u.Scheme + "://" + u.Host
	}
	return c.Command
}

func (c ServerConfig) offers(name string) bool {
	return !slices.Contains(c.Disabled, name) && (c.Enabled == nil || slices.Contains(c.Enabled, name))
}

func (c ServerConfig) mode(tool string) policy.ToolMode {
	if m, ok := c.Modes[tool]; ok && m != "" {
		return m
	}
	return c.Mode
}

// core are the variables of ours that every server gets: what programs need to find their files and to speak to people.
var core = []string{"HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER"}

// Environ is the environment of a server: the core variables of parent, those that pass names, and then set. Nothing else
// of parent, where the secrets are. The result is never nil.
func Environ(parent, pass []string, set map[string]string) []string {
	values := map[string]string{}
	for _, e := range parent {
		name, value, ok := strings.Cut(e, "=")
		if ok && (slices.Contains(core, name) || slices.Contains(pass, name)) {
			values[name] = value
		}
	}
	for name, value := range set {
		values[name] = value
	}
	out := make([]string, 0, len(values))
	for name, value := range values {
		if name != "" && !strings.ContainsAny(name, "=\x00") && !strings.ContainsRune(value, 0) {
			out = append(out, name+"="+value)
		}
	}
	slices.Sort(out)
	return out
}
