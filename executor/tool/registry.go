package tool

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// separator joins namespace and name where a model knows only one name.
const separator = "__"

// ownNamespace is what models call the namespace of the tools that belong to no server.
const ownNamespace = "functions"

// Registry holds the tools of a session. It does not change after it was made.
type Registry struct {
	tools  []Tool
	byName map[string]Tool // full names, see FullName
}

// FullName is the one name of a tool: NAMESPACE__NAME for a tool of a server.
func FullName(t Tool) string {
	if n, ok := t.(Namespaced); ok {
		return n.Namespace() + separator + n.Name()
	}
	return t.Name()
}

// NewRegistry fails when two tools have the same full name or a definition is not JSON; all problems are reported at once.
func NewRegistry(tools ...Tool) (*Registry, error) {
	r := &Registry{byName: make(map[string]Tool, len(tools))}
	var problems []error
	for _, t := range tools {
		name := FullName(t)
		if _, taken := r.byName[name]; taken {
			problems = append(problems, fmt.Errorf("register tool %q: there is one of that name already", name))
			continue
		}
		if !json.Valid(t.Definition()) {
			problems = append(problems, fmt.Errorf("register tool %q: its definition is not JSON", name))
			continue
		}
		r.tools = append(r.tools, t)
		r.byName[name] = t
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return r, nil
}

// Lookup finds the tool that a model called; otherwise the error is an *UnknownToolError.
func (r *Registry) Lookup(namespace, name string) (Tool, error) {
	full := name
	if namespace != "" && namespace != ownNamespace {
		full = namespace + separator + name
	}
	if t, ok := r.byName[full]; ok {
		return t, nil
	}
	return nil, &UnknownToolError{Namespace: namespace, Name: name, Known: r.names()}
}

// Tools are the tools in the order of registration.
func (r *Registry) Tools() []Tool { return slices.Clone(r.tools) }

// Definitions are the tool objects for a request, in the order of registration.
func (r *Registry) Definitions() []json.RawMessage {
	out := make([]json.RawMessage, len(r.tools))
	for i, t := range r.tools {
		out[i] = slices.Clone(t.Definition())
	}
	return out
}

func (r *Registry) names() []string {
	out := make([]string, len(r.tools))
	for i, t := range r.tools {
		out[i] = FullName(t)
	}
	return out
}
