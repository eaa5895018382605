package execserver

import (
	"net/url"
	"path"
	"strings"
)

// uriOf is a path as the protocol writes it.
func uriOf(at string) string { return (&url.URL{Scheme: "file", Path: at}).String() }

// pathOf is the clean absolute path of a file URI.
func pathOf(uri string) (string, *callError) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" || u.Host != "" || !path.IsAbs(u.Path) || strings.ContainsRune(u.Path, 0) {
		return "", fault(codeParams, "%s is not the file URI of an absolute path of this machine", clip(uri, 200))
	}
	return path.Clean(u.Path), nil
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
