package app

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"proctor/internal/cli"
)

// maxImage bounds the images given with --image together, in bytes: they are one item of the conversation.
const maxImage = 2 << 20

// readImages makes content items of image files.
func readImages(env cli.Env, paths []string) ([]json.RawMessage, error) {
	var items []json.RawMessage
	total := int64(0)
	for _, path := range paths {
		info, err := os.Stat(env.Abs(path))
		if err != nil {
			return nil, cli.Fail(cli.Failure, fmt.Errorf("read image: %w", err))
		}
		if total += info.Size(); total > maxImage {
			return nil, cli.Fail(cli.Failure, fmt.Errorf("read image %s: all images together have %d bytes, at most %d are allowed; make them smaller", path, total, maxImage))
		}
		b, err := os.ReadFile(env.Abs(path))
		if err != nil {
			return nil, cli.Fail(cli.Failure, fmt.Errorf("read image: %w", err))
		}
		kind := http.DetectContentType(b)
		switch kind {
		case "image/png", "image/jpeg", "image/gif", "image/webp":
		default:
			return nil, cli.Fail(cli.Failure, fmt.Errorf("read image %s: it looks like %s; expected PNG, JPEG, GIF or WebP", path, kind))
		}
		item, err := json.Marshal(map[string]string{"type": "input_image", "image_url": "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(b)})
		if err != nil {
			return nil, cli.Fail(cli.Failure, err)
		}
		items = append(items, item)
	}
	return items, nil
}
