package app

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"

	"proctor/executor/tool"
	"proctor/executor/tool/image"
	"proctor/executor/tool/patch"
	"proctor/executor/tool/plan"
	"proctor/executor/tool/shell"
	"proctor/internal/config"
)

// newTools makes the tools that the model is offered.
func newTools(_ context.Context, cfg *config.Config, env []string) (*tool.Registry, error) {
	patcher, err := patch.New(cfg.Cwd, patch.Options{})
	if err != nil {
		return nil, fail(Failure, err)
	}
	manager, err := shell.New(shell.Options{
		Dir: cfg.Cwd, Env: env, AllowLoginShell: cfg.AllowLoginShell, MaxOutputTokens: int(cfg.ToolOutputTokenLimit), Patch: patcher,
	})
	if err != nil {
		return nil, fail(Failure, err)
	}
	viewer, err := image.New(cfg.Cwd, image.Options{})
	if err != nil {
		return nil, fail(Failure, err)
	}
	tools := append(manager.Tools(), patcher, plan.Tool{}, viewer)
	registry, err := tool.NewRegistry(tools...)
	if err != nil {
		return nil, fail(Failure, err)
	}
	return registry, nil
}

func enabledServers(cfg *config.Config) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(cfg.MCPServers)) {
		if cfg.MCPServers[name].IsEnabled() {
			names = append(names, name)
		}
	}
	return names
}

// maxImage bounds one image given with --image, in bytes.
const maxImage = 20 << 20

// readImages makes content items of image files.
func readImages(env Env, paths []string) ([]json.RawMessage, error) {
	var items []json.RawMessage
	for _, path := range paths {
		b, err := os.ReadFile(env.abs(path))
		if err != nil {
			return nil, fail(Failure, fmt.Errorf("read image: %w", err))
		}
		if len(b) > maxImage {
			return nil, fail(Failure, fmt.Errorf("read image %s: %d bytes, at most %d are allowed", path, len(b), maxImage))
		}
		kind := http.DetectContentType(b)
		switch kind {
		case "image/png", "image/jpeg", "image/gif", "image/webp":
		default:
			return nil, fail(Failure, fmt.Errorf("read image %s: it looks like %s; expected PNG, JPEG, GIF or WebP", path, kind))
		}
		item, err := json.Marshal(map[string]string{"type": "input_image", "image_url": "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(b)})
		if err != nil {
			return nil, fail(Failure, err)
		}
		items = append(items, item)
	}
	return items, nil
}
