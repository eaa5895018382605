package unrecorded

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"proctor/internal/cli"
	"proctor/internal/config"
)

// ConfigShow prints the effective settings as a run would have them, one a line: all, or those at and below keys.
func ConfigShow(env cli.Env, opts config.Options, keys []string, origins, asJSON bool) error {
	for _, key := range keys {
		if err := knownKey(key); err != nil {
			return err
		}
	}
	cfg, warnings, err := env.Configure(opts)
	if err != nil {
		return err
	}
	cli.ShowWarnings(env, warnings)
	enc := json.NewEncoder(env.Stdout)
	for _, s := range cfg.Origins() {
		if len(keys) > 0 && !slices.ContainsFunc(keys, func(k string) bool { return s.Key == k || strings.HasPrefix(s.Key, k+".") }) {
			continue
		}
		switch {
		case asJSON:
			err = enc.Encode(s)
		case origins:
			_, err = fmt.Fprintf(env.Stdout, "%s = %s  # %s%s\n", cli.Plain(s.Key), cli.Plain(tomlText(s.Value)), originText(s.Origin), constraintText(s.Constraint))
		default:
			_, err = fmt.Fprintf(env.Stdout, "%s = %s\n", cli.Plain(s.Key), cli.Plain(tomlText(s.Value)))
		}
		if err != nil {
			return cli.Fail(cli.Failure, err)
		}
	}
	return nil
}

// knownKey refuses a key that no schema has.
func knownKey(key string) error {
	info := config.Describe(key)
	switch {
	case info.Known:
		return nil
	case info.Nearest != "":
		return cli.Fail(cli.Usage, fmt.Errorf("unknown key %q; did you mean %q?", key, info.Nearest))
	}
	return cli.Fail(cli.Usage, fmt.Errorf("unknown key %q; 'proctor config show' lists those in effect", key))
}

// ConfigExplain says where the value of one key comes from.
func ConfigExplain(env cli.Env, opts config.Options, key string, asJSON bool) error {
	if err := knownKey(key); err != nil {
		return err
	}
	cfg, warnings, err := env.Configure(opts)
	if err != nil {
		return err
	}
	cli.ShowWarnings(env, warnings)
	x := cfg.Explain(key)
	if asJSON {
		return encode(env.Stdout, x)
	}
	_, err = io.WriteString(env.Stdout, explained(x))
	return err
}

func encode(w io.Writer, v any) error {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		return cli.Fail(cli.Failure, err)
	}
	return nil
}

func explained(x config.Explanation) string {
	var b strings.Builder
	line := func(format string, args ...any) {
		fmt.Fprintf(&b, "%s\n", cli.Plain(fmt.Sprintf(format, args...)))
	}
	switch x.Value {
	case nil:
		line("%s is not set", x.Key)
	default:
		line("%s = %s", x.Key, tomlText(x.Value))
		line("  from      %s", originText(x.Origin))
	}
	if x.Constraint != nil {
		line("  changed%s", constraintText(x.Constraint))
	}
	won := x.Constraint == nil
	for _, s := range x.Candidates {
		word := "also in"
		if won && s.Origin == x.Origin {
			word, won = "set in ", false
		}
		line("  %s   %s: %s", word, originText(s.Origin), tomlText(s.Value))
	}
	if x.Requirement {
		line("  a key of requirements.toml")
	}
	line("  expects   %s", x.Expected)
	if x.Inert {
		line("  accepted for files shared with Codex; it changes nothing here")
	}
	return b.String()
}

// originText is a layer and the place in it.
func originText(o config.Origin) string {
	switch {
	case o.File == "":
		return string(o.Layer)
	case o.Line == 0:
		return fmt.Sprintf("%s %s", o.Layer, o.File)
	}
	return fmt.Sprintf("%s %s:%d:%d", o.Layer, o.File, o.Line, o.Column)
}

func constraintText(c *config.Constraint) string {
	if c == nil {
		return ""
	}
	was := "nothing"
	if c.Configured != nil {
		was = tomlText(c.Configured)
	}
	return fmt.Sprintf(" by %s (%s); configured was %s", c.Rule, originText(c.Origin), was)
}

// tomlText writes a plain value as TOML; JSON's texts and numbers are TOML as well.
func tomlText(v any) string {
	switch v := v.(type) {
	case map[string]any:
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, fmt.Sprintf("%s = %s", config.FormatKey(k), tomlText(v[k])))
		}
		if len(parts) == 0 {
			return "{}"
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = tomlText(item)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	default:
		var b strings.Builder
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			return fmt.Sprintf("%q", fmt.Sprint(v))
		}
		return strings.TrimSuffix(b.String(), "\n")
	}
}

// ConfigValidate says what is wrong with the configuration of this folder, or with files taken for themselves.
func ConfigValidate(env cli.Env, opts config.Options, files []string, asJSON bool) error {
	findings, sources, err := checkConfig(env, env.Here(opts), files)
	if err != nil {
		return cli.Fail(cli.Usage, err)
	}
	bad := 0
	for _, f := range findings {
		if f.Fails {
			bad++
		}
		if asJSON {
			err = errors.Join(err, encode(env.Stdout, f))
			continue
		}
		_, e := fmt.Fprintf(env.Stdout, "%-7s %s\n", f.Severity, cli.Plain(f.Message))
		err = errors.Join(err, e)
	}
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	for _, s := range sources {
		_, _ = fmt.Fprintf(env.Stderr, "read %s (%s)\n", cli.Plain(s.File), s.Layer)
	}
	if bad > 0 {
		return cli.Fail(cli.Usage, fmt.Errorf("%d of %d findings must be repaired", bad, len(findings)))
	}
	_, _ = fmt.Fprintln(env.Stderr, "the configuration is valid")
	return nil
}

func checkConfig(env cli.Env, opts config.Options, files []string) ([]config.Finding, []config.Source, error) {
	if len(files) == 0 {
		return config.Check(opts)
	}
	return config.CheckFiles(opts, files, func(name string) ([]byte, error) { return config.ReadFile(env.Abs(name)) })
}
