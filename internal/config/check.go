package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Severity ranks a Finding.
type Severity string

// The severities. Errors stop a run; a failing warning does not, but the file does not mean what its author wanted.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
	SeverityNote    Severity = "note"
)

// Finding is one thing to say about the configuration, for config validate.
type Finding struct {
	Severity Severity    `json:"severity"`
	Kind     WarningKind `json:"kind,omitempty"` // of a warning
	File     string      `json:"file,omitempty"` // or the flag as typed
	Line     int         `json:"line,omitempty"`
	Column   int         `json:"column,omitempty"`
	Key      string      `json:"key,omitempty"`
	Got      string      `json:"got,omitempty"`
	Expected string      `json:"expected,omitempty"`
	Hint     string      `json:"hint,omitempty"`
	Message  string      `json:"message"` // all of it, for a person
	Fails    bool        `json:"fails"`   // validate refuses the configuration for it
}

// Source is one file that took part.
type Source struct {
	Layer Layer  `json:"layer"`
	File  string `json:"file"`
}

// Check loads like [Load] and tells everything there is to say. A key that no
// managed file knows fails, although a run goes on: an administrator's typo
// leaves out the constraint that was meant. err is a problem of opts themselves.
func Check(opts Options) (findings []Finding, read []Source, err error) {
	l, err := newLoader(opts)
	if err != nil {
		return nil, nil, err
	}
	_, err = l.load()
	for _, e := range Problems(err) {
		findings = append(findings, Finding{Severity: SeverityError, File: e.File, Line: e.Line, Column: e.Column,
			Key: e.Key, Got: e.got(), Expected: e.Expected, Hint: e.Hint, Message: e.Error(), Fails: true})
	}
	for _, w := range l.r.warnings {
		f := Finding{Severity: SeverityWarning, Kind: w.Kind, File: w.File, Line: w.Line, Column: w.Column, Key: w.Key, Message: w.String()}
		if w.Kind == WarnNote {
			f.Severity = SeverityNote
		}
		f.Fails = w.ManagedTypo()
		findings = append(findings, f)
	}
	return findings, l.read, nil
}

// ManagedTypo reports an unknown key in a file of the administrator.
func (w Warning) ManagedTypo() bool {
	return w.Kind == WarnUnknownKey && (w.Layer == LayerRequirements || w.Layer == LayerManaged)
}

func (e *Error) got() string {
	switch {
	case e.Got != "":
		return e.Got
	case e.Err != nil:
		return e.Err.Error()
	}
	return ""
}

// CheckFiles checks the named files together and looks at nothing else on the
// machine. A file's name says what it is: requirements.toml, managed_config.toml,
// proctor.toml, NAME.config.toml (a profile), config.toml in a .codex folder that
// is not CODEX_HOME (a project), anything else the user's config.toml.
// read gives the text of a file.
func CheckFiles(opts Options, names []string, read func(name string) ([]byte, error)) ([]Finding, []Source, error) {
	base, err := newLoader(opts)
	if err != nil {
		return nil, nil, err
	}
	home, err := proctorHome(base.opts)
	if err != nil {
		return nil, nil, err
	}
	root, typed := memFS{}, map[string]string{} // place in the private root to the name as given
	opts.FS, opts.Trust = root, true
	var findings []Finding
	for _, name := range names {
		at, profile := base.role(name, home)
		if other, twice := typed[at]; twice {
			return nil, nil, &UsageError{Flag: name, Msg: fmt.Sprintf("and %s are the same kind of file; check them one after the other", other)}
		}
		if profile != "" {
			if opts.Profile != "" {
				return nil, nil, &UsageError{Flag: name, Msg: "is a second profile; check them one after the other"}
			}
			opts.Profile = profile
		}
		data, err := read(name)
		if err != nil {
			findings = append(findings, Finding{Severity: SeverityError, File: name, Message: name + ": " + cause(err).Error(), Got: cause(err).Error(), Fails: true})
			continue
		}
		root[strings.TrimPrefix(at, "/")], typed[at] = string(data), name
	}
	more, sources, err := Check(opts)
	for i := range more {
		if name, ok := typed[more[i].File]; ok {
			more[i].Message = strings.Replace(more[i].Message, more[i].File, name, 1)
			more[i].File = name
		}
	}
	for i := range sources {
		sources[i].File = typed[sources[i].File]
	}
	return append(findings, more...), sources, err
}

// role is where a file of this name belongs; profile is the name of one, else empty.
func (l *loader) role(name, home string) (at, profile string) {
	file := path.Base(name)
	if stem, ok := strings.CutSuffix(file, "."+configFileName); ok && validProfileName(stem) {
		return path.Join(l.codex, file), stem
	}
	switch dir := path.Dir(below(l.opts.Cwd, name)); {
	case file == path.Base(requirementsFile), strings.HasSuffix(file, "."+path.Base(requirementsFile)):
		return requirementsFile, ""
	case file == path.Base(managedConfigFile):
		return managedConfigFile, ""
	case file == proctorFileName:
		return path.Join(home, proctorFileName), ""
	case file == configFileName && path.Base(dir) == projectFolder && dir != l.codex:
		return path.Join(l.opts.Cwd, projectFolder, configFileName), ""
	}
	return path.Join(l.codex, configFileName), ""
}

// document reads one file of the layers and remembers that it took part.
func (l *loader) document(name Layer, file string) (*node, error) {
	doc, err := l.files.load(file, name)
	if doc != nil || err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.read = append(l.read, Source{Layer: name, File: file})
	}
	return doc, err
}
