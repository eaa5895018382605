package app

import (
	"context"
	"time"

	"proctor/event"
	"proctor/internal/cli"
	"proctor/internal/config"
)

// retainEvery is how often proctor serve looks for content that is kept too long.
const retainEvery = time.Hour

// retain erases what [ledger.retention] does not keep, now and every hour, until ctx ends. This process owns the ledger.
func (s *Store) retain(ctx context.Context, env cli.Env, c config.ProctorRetention) {
	if c == (config.ProctorRetention{}) {
		return
	}
	tick := time.NewTicker(retainEvery)
	defer tick.Stop()
	for {
		result, err := s.retainOnce(ctx, c)
		if err != nil && ctx.Err() == nil {
			env.Logger().Warn("retention", "error", err)
		}
		if n := len(result.Sessions); n > 0 {
			serving(env, "retention: erased the content of %s, %s", counted(n, "session"), sizeText(result.Bytes))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *Store) retainOnce(ctx context.Context, c config.ProctorRetention) (result Erased, err error) {
	stored, err := s.owned().Contents(ctx)
	if err != nil {
		return result, err
	}
	w := erasing{reason: retentionReason, actor: event.System}
	w.due, w.kept = due(retentionRule(c), stored, time.Now())
	if len(w.due) > 0 {
		err = s.erase(ctx, w, &result, func(uint64, uint64) {})
	}
	return result, err
}
