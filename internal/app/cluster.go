package app

import (
	"context"
	"errors"
	"fmt"

	"proctor/bus"
	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/ledger"
)

// Beyond one machine, runs record on a cluster of NATS servers, and 'proctor serve' with a name takes what is there into its ledger.
// What is about the ledger itself, reading, erasing, holding, exporting, goes to that ledger, on its machine.

// clusterOptions are those of [bus].
func (s *share) clusterOptions(c config.ProctorBus) bus.ClusterOptions {
	return bus.ClusterOptions{
		Options: bus.Options{Logger: s.log, Capture: s.asCapture()}, URL: c.URL, Credentials: c.CredsFile, CA: c.CAFile, Cert: c.CertFile, Key: c.KeyFile,
		Partitions: c.Partitions, Replicas: c.Replicas, AssumeSynced: c.AssumeSynced,
	}
}

// dial connects s to the cluster, for recording. A ledger on this machine is there to be read.
func (s *Store) dial(ctx context.Context, c config.ProctorBus) (err error) {
	if s.Bus, err = bus.Dial(ctx, s.clusterOptions(c)); err != nil {
		return err
	}
	s.work.Go(func() {
		select {
		case <-s.Bus.Closed():
			s.lost(s.Bus.Err())
		case <-s.closing:
		}
	})
	if ledger.Exists(s.dir) {
		return s.refresh()
	}
	return nil
}

// errElsewhere says where to look for what a cluster took.
var errElsewhere = errors.New("[bus] url is set: the record is in the ledgers of the nodes that take it from the cluster, and this machine has none; ask there")

// readable is nil when there is a ledger on this machine.
func (s *Store) readable() error {
	if s.Ledger == nil {
		return errElsewhere
	}
	return nil
}

// far is the bus on which runs can be reached: that of the cluster where there is one.
func (s *Store) far(ctx context.Context) (*bus.Bus, error) {
	if s.cluster.URL == "" || s.remote {
		return s.Bus, nil
	}
	if s.reach == nil {
		b, err := bus.Dial(ctx, s.clusterOptions(s.cluster))
		if err != nil {
			return nil, notDurable(err)
		}
		s.reach = b
	}
	return s.reach, nil
}

// borrow is the recorder of a session that another process runs.
func (s *Store) borrow(ctx context.Context, session string) (*bus.Borrowed, error) {
	b, err := s.far(ctx)
	if err != nil {
		return nil, err
	}
	return b.Borrow(session), nil
}

// serveNode takes partitions of the cluster into the ledger of this process until ctx ends.
func (s *Store) serveNode(ctx context.Context, env cli.Env, c config.ProctorBus) error {
	l := s.owned()
	home := c.Home
	if len(home) == 0 {
		home = nil
	}
	err := bus.ServeNode(ctx, s.clusterOptions(c), bus.NodeOptions{
		Name: c.Node, Identity: l.PublicKey(), Home: home, Keep: c.Keep, Reserved: []string{SystemSession},
		Say: func(text string) { serving(env, "ledger node %s: %s", c.Node, text) },
	}, l)
	return notDurable(err)
}

// checkNode refuses a serve that would serve nobody.
func checkNode(c config.ProctorBus) error {
	switch {
	case c.URL != "" && c.Node == "":
		return cli.Fail(cli.Usage, errors.New(`[bus] url is set and node is not: runs record on the cluster, and a serve without a name takes nothing from there; `+
			`name it in proctor.toml, as in node = "ledger-1", a name for each ledger`))
	case c.URL == "" && c.Node != "":
		return cli.Fail(cli.Usage, fmt.Errorf("[bus] node is %q and url is empty: name the cluster, as in url = \"tls://n1.example:4222\"", c.Node))
	}
	return nil
}
