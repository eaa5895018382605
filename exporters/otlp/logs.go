package otlp

import (
	"context"

	"go.opentelemetry.io/collector/pdata/plog"

	"proctor/event"
	"proctor/exporters"
	"proctor/internal/redact"
)

// logBatches returns the maker of log batches for one target.
func logBatches(to target, opts Options, s *sessions, p *redact.Policy) func(exporters.Limits) exporters.Batch {
	return func(limits exporters.Limits) exporters.Batch {
		return &logBatch{
			to: to, opts: &opts, sessions: s, policy: p, limits: limits,
			logs: plog.NewLogs(), scratch: plog.NewLogRecordSlice(),
			resources: map[resource]plog.ResourceLogs{}, scopes: map[logGroup]plog.LogRecordSlice{},
		}
	}
}

// logGroup is where records of one producer and scope go. Order within a group is ledger order.
type logGroup struct {
	resource
	scope string
}

// groupWeight is a bound for the bytes of a resource and a scope.
const groupWeight = 512

type logBatch struct {
	to       target
	opts     *Options
	sessions *sessions
	policy   *redact.Policy
	limits   exporters.Limits

	logs      plog.Logs
	scratch   plog.LogRecordSlice
	resources map[resource]plog.ResourceLogs
	scopes    map[logGroup]plog.LogRecordSlice
	last      logGroup // of the newest record; comparing is cheaper than hashing
	lastTo    plog.LogRecordSlice
	records   int
	bytes     int
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
	rec := b.scratch.AppendEmpty()
	b.opts.write(rec, entry, b.policy.View(entry.Event), start)
	group := logGroup{b.opts.resource(start).withHost(start, b.opts), logScope(entry.Kind)}
	size := b.weigh(rec, group)
	if b.records > 0 && b.bytes+size > b.limits.Bytes {
		return false, nil
	}
	rec.MoveTo(b.group(group).AppendEmpty())
	b.scratch.RemoveIf(func(plog.LogRecord) bool { return true })
	b.records++
	b.bytes += size
	return true, nil
}

func (b *logBatch) weigh(rec plog.LogRecord, g logGroup) int {
	size := new(plog.ProtoMarshaler).LogRecordSize(rec) + 6 // tag and length
	if b.records == 0 || g != b.last {
		if _, ok := b.scopes[g]; !ok {
			size += groupWeight
		}
	}
	return b.to.weigh(size)
}

func (b *logBatch) group(g logGroup) plog.LogRecordSlice {
	if b.records == 0 || g != b.last {
		b.last, b.lastTo = g, b.find(g)
	}
	return b.lastTo
}

func (b *logBatch) find(g logGroup) plog.LogRecordSlice {
	if s, ok := b.scopes[g]; ok {
		return s
	}
	r, ok := b.resources[g.resource]
	if !ok {
		r = b.logs.ResourceLogs().AppendEmpty()
		g.resource.put(r.Resource().Attributes())
		b.resources[g.resource] = r
	}
	s := r.ScopeLogs().AppendEmpty()
	s.Scope().SetName(g.scope)
	s.Scope().SetVersion(g.version)
	if b.opts.GenAI {
		s.SetSchemaUrl(genAISchema)
	}
	b.scopes[g] = s.LogRecords()
	return s.LogRecords()
}

func (b *logBatch) Send(ctx context.Context) (exporters.Result, error) {
	return b.to.send(ctx, logsCall(b.logs))
}
