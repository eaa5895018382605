package otlp

import (
	"context"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"proctor/event"
	"proctor/exporters"
	"proctor/internal/redact"
)

// logBatches returns the maker of log batches for one target.
func logBatches(to target, opts Options, s *sessions, p *redact.Policy) func(exporters.Limits) exporters.Batch {
	return func(limits exporters.Limits) exporters.Batch {
		return &logBatch{to: to, opts: &opts, sessions: s, policy: p, limits: limits, groups: map[logGroup]*group{}}
	}
}

// logGroup is where records of one producer and scope go. Order within a group is ledger order.
type logGroup struct {
	resource
	scope string
}

// group is a ResourceLogs message with one scope.
type group struct {
	resource []byte // its fields but the scope
	scope    []byte // fields of the scope but the records
	records  []byte
}

// size is that of the ResourceLogs message.
func (g *group) size() int { return len(g.resource) + sizeOf(len(g.scope)+len(g.records)) }

type logBatch struct {
	to       target
	opts     *Options
	sessions *sessions
	policy   *redact.Policy
	limits   exporters.Limits

	groups  map[logGroup]*group
	order   []*group
	last    logGroup // of the newest record; comparing is cheaper than hashing
	lastTo  *group
	scratch attributes
	records int
	bytes   int
	request encodedLogs // made by the first Send
}

func (b *logBatch) Records() int { return b.records }

func (b *logBatch) Add(ctx context.Context, entry event.Entry) (bool, error) {
	if !b.opts.logged(entry.Event) {
		return true, nil
	}
	if b.records >= b.limits.Records {
		return false, nil
	}
	start := b.sessions.of(ctx, entry.Event)
	b.scratch = attributes{recordAttributes, b.scratch.b[:0], b.scratch.names[:0]}
	b.opts.write(&b.scratch, entry, b.policy.View(entry.Event), start)
	key := logGroup{b.opts.resource(start).withHost(start, b.opts), logScope(entry.Kind)}
	g, known := b.find(key)
	size := sizeOf(len(b.scratch.b))
	if !known {
		size += sizeOf(g.size())
	}
	if size = b.to.weigh(size); b.records > 0 && b.bytes+size > b.limits.Bytes {
		return false, nil
	}
	if !known {
		b.groups[key], b.order = g, append(b.order, g)
	}
	b.last, b.lastTo = key, g
	g.records = appendText(g.records, scopeRecords, b.scratch.b)
	b.records++
	b.bytes += size
	return true, nil
}

// find returns the group of a key; one that is new is not yet part of the batch.
func (b *logBatch) find(key logGroup) (g *group, known bool) {
	if b.lastTo != nil && key == b.last {
		return b.lastTo, true
	}
	if g, known = b.groups[key]; !known {
		g = b.opts.group(key)
	}
	return g, known
}

// group encodes a resource and a scope without records.
func (o *Options) group(key logGroup) *group {
	m := pcommon.NewMap()
	key.resource.put(m)
	a := attributes{as: resourceAttributes}
	for name, v := range m.All() {
		a.text(name, v.Str())
	}
	scope := appendText(appendText(nil, scopeName, key.scope), scopeVersion, key.version)
	g := &group{resource: appendText(nil, groupResource, a.b), scope: appendText(nil, groupScope, scope)}
	if o.GenAI {
		g.scope = appendText(g.scope, groupSchema, genAISchema)
	}
	return g
}

func (b *logBatch) Send(ctx context.Context) (exporters.Result, error) {
	if b.request == nil {
		b.request = b.encode()
	}
	return b.to.send(ctx, logsCall(b.request))
}

func (b *logBatch) encode() encodedLogs {
	size := 0
	for _, g := range b.order {
		size += sizeOf(g.size())
	}
	out := make(encodedLogs, 0, size)
	for _, g := range b.order {
		out = appendHead(out, requestGroups, g.size())
		out = append(out, g.resource...)
		out = appendHead(out, groupScopes, len(g.scope)+len(g.records))
		out = append(append(out, g.scope...), g.records...)
	}
	return out
}
