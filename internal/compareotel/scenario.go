package main

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"

	"proctor/internal/fakemodel"
)

//go:embed scenarios/*.json
var files embed.FS

// scenario is what both programs are given.
type scenario struct {
	Name   string          `json:"name"`
	Config string          `json:"config"` // added at the top of config.toml; $SELF is this program
	Args   []string        `json:"args"`
	Model  json.RawMessage `json:"model"` // see fakemodel
}

func readScenarios(only string) ([]scenario, error) {
	entries, err := files.ReadDir("scenarios")
	if err != nil {
		return nil, err
	}
	var out []scenario
	for _, e := range entries {
		b, err := files.ReadFile(path.Join("scenarios", e.Name()))
		if err != nil {
			return nil, err
		}
		var s scenario
		if err := json.Unmarshal(b, &s); err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name(), err)
		}
		if _, err := fakemodel.Parse(s.Model); err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name(), err)
		}
		if only == "" || only == s.Name {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("there is no scenario %q", only)
	}
	return out, nil
}
