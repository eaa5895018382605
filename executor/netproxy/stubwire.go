package netproxy

import (
	"context"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// stubTTL is in seconds: a policy that changed shows soon.
const stubTTL = 5

// reply answers a message; nil when it is no question at all.
func (s *Stub) reply(ctx context.Context, question []byte) []byte {
	var parser dnsmessage.Parser
	head, err := parser.Start(question)
	if err != nil || head.Response {
		return nil
	}
	answer := dnsmessage.Header{ID: head.ID, Response: true, OpCode: head.OpCode, RecursionDesired: head.RecursionDesired, RecursionAvailable: true}
	q, err := parser.Question()
	if err != nil {
		answer.RCode = dnsmessage.RCodeFormatError
		return pack(answer, nil, nil)
	}
	if _, err := parser.Question(); err == nil || head.OpCode != 0 || q.Class != dnsmessage.ClassINET {
		answer.RCode = dnsmessage.RCodeNotImplemented
		return pack(answer, nil, nil)
	}
	a, ok, full := s.address(ctx, strings.TrimSuffix(q.Name.String(), "."))
	switch {
	case full:
		answer.RCode = dnsmessage.RCodeServerFailure
	case !ok:
		answer.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeA:
		return pack(answer, &q, &dnsmessage.AResource{A: a.As4()})
	}
	return pack(answer, &q, nil)
}

func pack(h dnsmessage.Header, q *dnsmessage.Question, a dnsmessage.ResourceBody) []byte {
	m := dnsmessage.Message{Header: h}
	if q != nil {
		m.Questions = []dnsmessage.Question{*q}
		if a != nil {
			m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: stubTTL}, Body: a}}
		}
	}
	b, err := m.Pack()
	if err != nil {
		return nil
	}
	return b
}
