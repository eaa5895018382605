package execserver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"proctor/event"
	"proctor/executor"
	"proctor/executor/tool/canonical"
	"proctor/policy/filesystem"
)

const (
	// maxFile bounds a file that is read or written, in bytes: in base64 it must fit into one message.
	maxFile = 8 << 20
	// maxEntries bounds the names in a directory that are told.
	maxEntries = 10000
)

// looking is one request that looks at a path, with what stands around it.
type looking struct {
	c      *connection
	s      *Session
	method string
	path   string
	narrow func(filesystem.Plan) filesystem.Plan
}

// look is work that looks at a path: each do is given it to look around with.
func (c *connection) look(m message, do func(context.Context, looking) (any, *callError, error)) work {
	q, bad := params[pathParams](m)
	if bad != nil {
		return refuse(bad)
	}
	path, bad := pathOf(q.Path)
	if bad != nil {
		return refuse(bad)
	}
	c.guess(path)
	return func(ctx context.Context) (any, *callError, error) {
		s, leave, err := c.enter(ctx, "", q.Sandbox.workspace())
		if err != nil {
			return nil, nil, err
		}
		defer leave()
		narrow, err := s.narrow(q.Sandbox)
		if err != nil {
			return nil, fault(codeParams, "%s: %v", m.Method, err), nil
		}
		return do(ctx, looking{c, s, m.Method, path, narrow})
	}
}

// at resolves the path, its last name too if last is set, asks the policy about what came out of it, and only then looks there and says what is
// wrong with it. See fills in what is recorded and returns the answer; its error is the answer too.
func (l looking) at(ctx context.Context, last bool, see func(at string, told *event.FileReadPayload) (any, error)) (any, *callError, error) {
	at, through, unresolved := canonical.Follow("/", l.path, last)
	if at == "" {
		return nil, fileFault(unresolved), nil
	}
	var result any
	failure := unresolved
	refused, err := l.s.Calls.Read(ctx, executor.Reading{ID: l.c.nextLook(), Operation: l.method, Path: at, Through: through, Narrow: l.narrow, Do: func(told *event.FileReadPayload) {
		if failure == nil {
			result, failure = see(at, told)
		}
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

// target is look for what links lead to.
func (c *connection) target(m message, see func(at string, told *event.FileReadPayload) (any, error)) work {
	return c.look(m, func(ctx context.Context, l looking) (any, *callError, error) { return l.at(ctx, true, see) })
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

// metadata tells of a link what it leads to, which is a place of its own: the policy is asked about both.
func (c *connection) metadata(m message) work {
	see := func(at string, _ *event.FileReadPayload) (any, error) {
		info, err := canonical.Stat(at)
		return metadataAnswer{
			IsDirectory: info.Type.IsDir(), IsFile: info.Type.IsRegular(), IsSymlink: info.Type&fs.ModeSymlink != 0,
			Size: info.Size, ModifiedAtMs: info.Modified.UnixMilli(),
		}, err
	}
	return c.look(m, func(ctx context.Context, l looking) (any, *callError, error) {
		answer, bad, err := l.at(ctx, false, see)
		if link, ok := answer.(metadataAnswer); !ok || !link.IsSymlink {
			return answer, bad, err
		}
		answer, bad, err = l.at(ctx, true, see)
		if target, ok := answer.(metadataAnswer); ok {
			target.IsSymlink = true
			answer = target
		}
		return answer, bad, err
	})
}

func (c *connection) readFile(m message) work {
	return c.target(m, func(at string, told *event.FileReadPayload) (any, error) {
		b, _, err := canonical.ReadFile(at, maxFile)
		if err != nil {
			return nil, err
		}
		told.Bytes, told.Content = int64(len(b)), digest(b)
		return contentAnswer{b}, nil
	})
}

func (c *connection) readDirectory(m message) work {
	return c.target(m, func(at string, told *event.FileReadPayload) (any, error) {
		list, err := canonical.ReadDir(at, maxEntries)
		if err != nil {
			return nil, err
		}
		out := entriesAnswer{Entries: make([]entryAnswer, 0, len(list))}
		for _, e := range list {
			out.Entries = append(out.Entries, entryAnswer{e.Name, e.Type.IsDir(), e.Type.IsRegular()})
		}
		slices.SortFunc(out.Entries, func(a, b entryAnswer) int { return strings.Compare(a.FileName, b.FileName) })
		told.Bytes = int64(len(list))
		return out, nil
	})
}

func (c *connection) canonicalize(m message) work {
	return c.target(m, func(at string, _ *event.FileReadPayload) (any, error) {
		if _, err := canonical.Stat(at); err != nil {
			return nil, err
		}
		return pathAnswer{uriOf(at)}, nil
	})
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
