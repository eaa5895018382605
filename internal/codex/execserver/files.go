package execserver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"proctor/event"
	"proctor/executor"
	"proctor/executor/tool/canonical"
)

const (
	// maxFile bounds a file that is read or written, in bytes: in base64 it must fit into one message.
	maxFile = 8 << 20
	// maxEntries bounds the names in a directory that are told.
	maxEntries = 10000
)

// look is work that looks at a path. Do fills in what is recorded and returns the answer; its error is the answer too.
func (c *connection) look(m message, follow bool, do func(at string, told *event.FileReadPayload) (any, error)) work {
	q, bad := params[pathParams](m)
	if bad != nil {
		return refuse(bad)
	}
	path, bad := pathOf(q.Path)
	if bad != nil {
		return refuse(bad)
	}
	id := c.nextLook()
	c.guess(path)
	return func(ctx context.Context) (any, *callError, error) {
		resolve := canonical.Parent
		if follow {
			resolve = canonical.Target
		}
		at, err := resolve("/", path)
		if err != nil {
			return nil, fileFault(err), nil
		}
		s, leave, err := c.enter(ctx, "", q.Sandbox.workspace())
		if err != nil {
			return nil, nil, err
		}
		defer leave()
		narrow, err := s.narrow(q.Sandbox)
		if err != nil {
			return nil, fault(codeParams, "%s: %v", m.Method, err), nil
		}
		var result any
		var failure error
		refused, err := s.Calls.Read(ctx, executor.Reading{ID: id, Operation: m.Method, Path: at, Narrow: narrow, Do: func(told *event.FileReadPayload) {
			result, failure = do(at, told)
			switch {
			case failure == nil:
				told.Outcome = "read"
			case errors.Is(failure, fs.ErrNotExist):
				told.Outcome = "missing"
			default:
				told.Outcome = "failed"
			}
		}})
		switch {
		case err != nil:
			return nil, nil, err
		case refused != "":
			return nil, fault(codeInternal, "proctor refused it: %s", refused), nil
		case failure != nil:
			return nil, fileFault(failure), nil
		}
		return result, nil, nil
	}
}

func (c *connection) nextLook() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looks++
	return fmt.Sprintf("fs-%d", c.looks)
}

// fileFault is the answer for an error of the file system.
func fileFault(err error) *callError {
	if errors.Is(err, fs.ErrNotExist) {
		return fault(codeNotFound, "%v", err)
	}
	return fault(codeRequest, "%v", err)
}

func (c *connection) metadata(m message) work {
	return c.look(m, false, func(at string, _ *event.FileReadPayload) (any, error) {
		link, err := os.Lstat(at)
		if err != nil {
			return nil, err
		}
		info := link
		if link.Mode()&fs.ModeSymlink != 0 {
			if info, err = os.Stat(at); err != nil {
				return nil, err
			}
		}
		return metadataAnswer{
			IsDirectory: info.IsDir(), IsFile: info.Mode().IsRegular(), IsSymlink: link.Mode()&fs.ModeSymlink != 0,
			Size: info.Size(), ModifiedAtMs: info.ModTime().UnixMilli(),
		}, nil
	})
}

func (c *connection) readFile(m message) work {
	return c.look(m, true, func(at string, told *event.FileReadPayload) (any, error) {
		b, _, err := canonical.ReadFile(at, maxFile)
		if err != nil {
			return nil, err
		}
		told.Bytes, told.Content = int64(len(b)), digest(b)
		return contentAnswer{b}, nil
	})
}

func (c *connection) readDirectory(m message) work {
	return c.look(m, true, func(at string, told *event.FileReadPayload) (any, error) {
		f, err := os.Open(at)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		list, err := f.ReadDir(maxEntries)
		if err != nil && len(list) == 0 && !isEmpty(err) {
			return nil, err
		}
		out := entriesAnswer{Entries: make([]entryAnswer, 0, len(list))}
		for _, e := range list {
			out.Entries = append(out.Entries, entryAnswer{e.Name(), e.IsDir(), e.Type().IsRegular()})
		}
		slices.SortFunc(out.Entries, func(a, b entryAnswer) int { return strings.Compare(a.FileName, b.FileName) })
		told.Bytes = int64(len(list))
		return out, nil
	})
}

func (c *connection) canonicalize(m message) work {
	return c.look(m, true, func(at string, _ *event.FileReadPayload) (any, error) {
		if _, err := os.Lstat(at); err != nil {
			return nil, err
		}
		return pathAnswer{uriOf(at)}, nil
	})
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
