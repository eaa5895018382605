package app

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// setupAge is how long a setup counts, as the cloud of the document keeps its containers.
const setupAge = 12 * time.Hour

// maxCacheFile bounds what is read of a file of the cache key.
const maxCacheFile = 64 << 20

// setupRecord is what is kept of the last setup of a folder, below $PROCTOR_HOME, where no confined command looks.
type setupRecord struct {
	Key string    `json:"key"`
	At  time.Time `json:"at"`
}

// cacheKey names the setup, the plan it ran under and the files that it depends on; empty when it always runs.
func (r *run) cacheKey() string {
	e := r.cfg.Environment
	if len(e.Cache) == 0 {
		return ""
	}
	h := sha256.New()
	add := func(s string) { _, _ = fmt.Fprintf(h, "%d:%s", len(s), s) }
	add(planJSON(r.environment.confine.Plan))
	for _, s := range e.Setup {
		add(s)
	}
	for _, s := range r.environment.secrets {
		add(s.Name)
	}
	for _, name := range e.Cache {
		add(name)
		f, err := os.Open(filepath.Join(r.cfg.Cwd, name))
		if err != nil {
			add("missing")
			continue
		}
		content := sha256.New()
		_, err = io.Copy(content, io.LimitReader(f, maxCacheFile))
		add(fmt.Sprintf("%x %v", content.Sum(nil), err))
		_ = f.Close() // it was only read
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (r *run) setupFile() string {
	sum := sha256.Sum256([]byte(r.cfg.Cwd))
	return filepath.Join(r.cfg.ProctorHome, "environment", hex.EncodeToString(sum[:16])+".json")
}

// cached reports whether a setup with this key ran not long ago.
func (r *run) cached(key string) bool {
	b, err := os.ReadFile(r.setupFile())
	var last setupRecord
	return err == nil && json.Unmarshal(b, &last) == nil && last.Key == key && time.Since(last.At) < setupAge && time.Since(last.At) >= 0
}

// remember keeps the key. What cannot be kept only costs another setup.
func (r *run) remember(key string) {
	b, err := json.Marshal(setupRecord{key, time.Now().UTC()})
	if err == nil && os.MkdirAll(filepath.Dir(r.setupFile()), 0o700) == nil {
		_ = os.WriteFile(r.setupFile(), b, 0o600)
	}
}
