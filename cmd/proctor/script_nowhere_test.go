package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdNowhere searches a file, or all files below a folder, for texts: as they are, as JSON writes them, in base64 and in hex.
func cmdNowhere(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) >= 2, "nowhere PATH TEXT...")
	files := 0
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for _, text := range args[1:] {
			quoted, _ := json.Marshal(text)
			coded := base64.StdEncoding.EncodeToString([]byte(text))
			for _, form := range []string{text, string(quoted[1 : len(quoted)-1]), coded[:len(text)*8/6-1], hex.EncodeToString([]byte(text))} {
				if bytes.Contains(data, []byte(form)) {
					ts.Fatalf("%s holds %q", path, form)
				}
			}
		}
		return nil
	}))
	if files == 0 {
		ts.Fatalf("there is no file below %s", args[0])
	}
}
