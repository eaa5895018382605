package mcp

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	// MaxTools bounds the tools that are taken from one server.
	MaxTools = 256
	// maxSeen and maxPages bound what is read of a list that has no end.
	maxSeen  = 4 * MaxTools
	maxPages = 64
	// maxDefinition bounds one tool definition in bytes.
	maxDefinition = 64 << 10
)

// each calls f with every tool of the server, within the bounds; f returns false to stop.
func (s *Server) each(ctx context.Context, f func(*sdk.Tool) bool) error {
	seen, cursor := 0, ""
	for range maxPages {
		page, err := s.session.ListTools(ctx, &sdk.ListToolsParams{Cursor: cursor})
		if err != nil {
			return err
		}
		for _, t := range page.Tools {
			if seen++; seen > maxSeen || t == nil {
				continue
			}
			if !f(t) {
				return nil
			}
		}
		if cursor = page.NextCursor; cursor == "" || seen >= maxSeen {
			break
		}
	}
	if cursor != "" {
		s.log.Warn("MCP server lists more than is read", "tools", seen, "limit", maxSeen)
	}
	return nil
}

// offer takes the tools that may be offered. One that cannot be is logged and left out.
func (s *Server) offer(ctx context.Context) error {
	names := map[string]bool{}
	s.current = map[string][32]byte{}
	return s.each(ctx, func(t *sdk.Tool) bool {
		s.current[t.Name] = definitionDigest(t)
		if !s.config.offers(t.Name) {
			return true
		}
		if len(s.tools) == MaxTools {
			s.log.Warn("MCP server has more tools than are taken", "limit", MaxTools)
			return false
		}
		made, err := newTool(s, t)
		if err == nil && names[made.name] {
			err = fmt.Errorf("another tool is called %q here already", made.name)
		}
		if err != nil {
			s.log.Warn("MCP tool is not offered", "tool", clip(t.Name), "reason", err)
			return true
		}
		names[made.name] = true
		s.tools = append(s.tools, made)
		return true
	})
}

// definitionDigest is over everything that a server says of a tool.
func definitionDigest(t *sdk.Tool) [32]byte {
	b, err := json.Marshal(t) // it came as JSON; maps are written in the order of their keys
	if err != nil {
		return [32]byte{}
	}
	return sha256.Sum256(b)
}

// stale reports whether the server changed a tool since it was offered, or took it away. Only a server that announced a change
// is asked; one that does not answer has changed it.
func (s *Server) stale(ctx context.Context, t *serverTool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed.Swap(false) {
		ctx, cancel := context.WithTimeout(ctx, s.config.StartupTimeout)
		defer cancel()
		now := map[string][32]byte{}
		if err := s.each(ctx, func(t *sdk.Tool) bool { now[t.Name] = definitionDigest(t); return true }); err != nil {
			s.changed.Store(true)
			return true
		}
		s.current = now
	}
	return s.current[t.original] != t.digest
}
