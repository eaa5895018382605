package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// askServers is the request of the system account that each server answers with its JetStream settings. An operator lets the account
// of proctor make it: see deploy/nats.
const askServers = "$SYS.REQ.SERVER.PING.JSZ"

// sayWithin is how long answers are waited for before the servers are asked again.
const sayWithin = 2 * time.Second

// durable refuses streams and servers that would lose what they acknowledged. A server that is down is asked nothing: it acknowledges nothing, and
// what it will be set to when it starts is as unknown as what the others will be set to then.
func (c *cluster) durable(ctx context.Context, streams []*jetstream.StreamInfo) error {
	var why []string
	for _, s := range streams {
		for _, w := range weaker(s.Config, c.opts.Replicas) {
			why = append(why, "stream "+s.Config.Name+": "+w)
		}
	}
	if len(why) > 0 {
		return fmt.Errorf("%w: %s", ErrNotDurable, strings.Join(why, "; "))
	}
	return c.insist(ctx, func(ctx context.Context) error {
		err := c.synced(ctx, c.serversOf(streams))
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, context.DeadlineExceeded):
			return fatal{err}
		}
		for i, s := range streams { // a server that did not answer starts, or is down by now
			if again, failed := c.js.Stream(ctx, s.Config.Name); failed == nil {
				streams[i] = again.CachedInfo()
			}
		}
		return err
	})
}

// serversOf are the names of those that have a part of a stream and are up.
func (c *cluster) serversOf(streams []*jetstream.StreamInfo) []string {
	servers := map[string]bool{}
	for _, s := range streams {
		if s.Cluster == nil {
			servers[c.conn.ConnectedServerName()] = true
			continue
		}
		servers[s.Cluster.Leader] = true
		for _, r := range s.Cluster.Replicas {
			if r.Offline {
				c.b.log.Warn("a server of the cluster is down", "server", r.Name, "stream", s.Config.Name)
				continue
			}
			servers[r.Name] = true
		}
	}
	delete(servers, "") // no leader at this moment
	return slices.Sorted(maps.Keys(servers))
}

// syncing is what a server says of its disk.
type syncing struct {
	Server struct {
		Name string `json:"name"`
	} `json:"server"`
	Data struct {
		Config struct {
			Always   bool          `json:"sync_always"`
			Interval time.Duration `json:"sync_interval"`
		} `json:"config"`
	} `json:"data"`
}

// synced makes sure that each server syncs what it writes before it acknowledges.
func (c *cluster) synced(ctx context.Context, servers []string) error {
	said, err := c.ask(ctx, servers)
	var lazy, silent []string
	for _, name := range servers {
		s, ok := said[name]
		switch {
		case !ok:
			silent = append(silent, name)
		case !s.Data.Config.Always:
			lazy = append(lazy, fmt.Sprintf("%s syncs every %s", name, s.Data.Config.Interval))
		}
	}
	switch {
	case len(lazy) > 0:
		return fmt.Errorf("%w: server %s, not every write: set sync_interval to always in the jetstream part of its configuration", ErrNotDurable, strings.Join(lazy, ", "))
	case len(silent) == 0:
		return nil
	case c.opts.AssumeSynced:
		c.b.log.Warn("servers of the cluster do not say whether they sync every write; [bus] assume_synced believes it", "servers", silent, "error", err)
		return nil
	}
	return fmt.Errorf("%w, as far as it says: server %s does not answer whether it syncs every write (%w); let the account ask %s as deploy/nats shows, "+
		"or set assume_synced = true in [bus] when you know it", ErrNotDurable, strings.Join(silent, ", "), cmpError(err, errSilent), askServers)
}

var errSilent = errors.New("no answer")

func cmpError(err, otherwise error) error {
	if err == nil {
		return otherwise
	}
	return err
}

// ask collects the answers of servers until all are there, or none comes any more.
func (c *cluster) ask(ctx context.Context, servers []string) (said map[string]syncing, err error) {
	inbox := c.conn.NewInbox()
	sub, err := c.conn.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := c.conn.PublishMsg(&nats.Msg{Subject: askServers, Reply: inbox}); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, sayWithin)
	defer cancel()
	said = map[string]syncing{}
	for missing := servers; len(missing) > 0; {
		msg, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return said, err
		}
		if len(msg.Data) == 0 && msg.Header.Get("Status") == "503" {
			return said, nats.ErrNoResponders
		}
		var s syncing
		if err := json.Unmarshal(msg.Data, &s); err != nil {
			return said, fmt.Errorf("answer to %s: %w", askServers, err)
		}
		said[s.Server.Name] = s
		missing = slices.DeleteFunc(slices.Clone(missing), func(name string) bool { return name == s.Server.Name })
	}
	return said, nil
}
