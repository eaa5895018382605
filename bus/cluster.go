package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"proctor/event"
)

// ClusterOptions say where a cluster of NATS servers is and what its word is worth.
type ClusterOptions struct {
	Options
	// URL is one address or more, separated by commas, as nats://host:4222 or tls://host:4222.
	URL string
	// Credentials is a file with a NATS user's JWT and key; CA, Cert and Key are PEM files. Empty ones are not used.
	Credentials, CA, Cert, Key string
	// Partitions is how many streams a ledger node makes; they keep their number. 0 takes what is there, or makes 4.
	Partitions int
	// Replicas is on how many servers each stream must be. Default 3.
	Replicas int
	// AssumeSynced believes servers that do not say so that they sync every write. Without it they are refused.
	AssumeSynced bool
	// Patience is how long a submission may wait for the cluster. Default 30 s.
	Patience time.Duration
}

const (
	defaultPartitions = 4
	defaultReplicas   = 3
	// reconnectEvery is how long to wait before the next server is tried.
	reconnectEvery = 100 * time.Millisecond
	// answerWithin bounds one request to the cluster; one that gets no answer is made again.
	answerWithin = 5 * time.Second
)

// cluster is a connection to NATS servers that keep the events until a ledger has them.
type cluster struct {
	b          *Bus
	opts       ClusterOptions
	conn       *nats.Conn
	js         jetstream.JetStream
	partitions int
	lanes      map[string]*lane // by session; guarded by the bus's mu

	denied atomic.Pointer[error] // the newest right that is missing

	ctx    context.Context //nolint:containedctx // ends with the bus
	cancel context.CancelFunc
}

// Dial connects this process to a cluster. What it submits is on the disks of the servers when it is answered, see the package's
// documentation for what a receipt promises then. Streams must be there: a ledger node makes them, see [ServeNode].
func Dial(ctx context.Context, o ClusterOptions) (*Bus, error) {
	b, err := dialCluster(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := b.cluster.find(ctx, false); err != nil {
		return nil, errors.Join(fmt.Errorf("cluster %s: %w", b.cluster, err), b.Close(ctx))
	}
	return b, nil
}

func dialCluster(ctx context.Context, o ClusterOptions) (*Bus, error) {
	if o.Replicas <= 0 {
		o.Replicas = defaultReplicas
	}
	if o.Patience <= 0 {
		o.Patience = defaultPatience
	}
	b := newBus(o.Options)
	c := &cluster{b: b, opts: o, lanes: map[string]*lane{}}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	b.cluster = c
	err := c.connect(ctx)
	if err != nil {
		b.markClosed(err)
		return nil, fmt.Errorf("cluster %s: %w", c, err)
	}
	return b, nil
}

// connect waits for a server until Patience is over.
func (c *cluster) connect(ctx context.Context) error {
	l := &link{service: true}
	opts, err := c.connectOptions(l)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.opts.Patience)
	defer cancel()
	for {
		if c.conn, err = nats.Connect(c.opts.URL, opts...); err == nil {
			break
		}
		if errors.Is(err, nats.ErrAuthorization) || !errors.Is(err, nats.ErrNoServers) && !errors.Is(err, nats.ErrTimeout) {
			switch {
			case c.opts.Cert == "" && strings.Contains(err.Error(), "tls"):
				err = fmt.Errorf("%w (servers may demand the certificate of a client: [bus] cert_file and key_file)", err)
			case errors.Is(err, nats.ErrTLS): // the server hung up, and its reason was not read any more
				err = fmt.Errorf("%w (servers may not accept the certificate in [bus] cert_file)", err)
			}
			return fmt.Errorf("connect: %w", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w after %s: %w", ErrNoOwner, c.opts.Patience, err)
		case <-time.After(reconnectEvery):
		}
	}
	l.conn = c.conn
	if c.js, err = jetstream.New(c.conn, jetstream.WithDefaultTimeout(answerWithin)); err == nil {
		err = c.roomy()
	}
	if err == nil {
		err = c.b.use(l)
	}
	if err != nil {
		c.conn.Close()
	}
	return err
}

func (c *cluster) connectOptions(l *link) ([]nats.Option, error) {
	o := c.opts
	if (o.Cert == "") != (o.Key == "") {
		return nil, errors.New("a client certificate needs both files, that of the certificate and that of its key")
	}
	opts := []nats.Option{
		nats.Name("proctor"), nats.MaxReconnects(-1), nats.ReconnectWait(reconnectEvery), nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(2),
		nats.ReconnectHandler(func(*nats.Conn) { c.b.reconnected() }),
		nats.ClosedHandler(func(*nats.Conn) { c.b.linkLost(l) }),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) { c.asyncError(sub, err) }),
	}
	if o.Credentials != "" {
		opts = append(opts, nats.UserCredentials(o.Credentials))
	}
	if o.CA != "" {
		opts = append(opts, nats.RootCAs(o.CA))
	}
	if o.Cert != "" {
		opts = append(opts, nats.ClientCert(o.Cert, o.Key))
	}
	return opts, nil
}

// asyncError remembers what the servers do not permit: it looks like no answer to who asked.
func (c *cluster) asyncError(sub *nats.Subscription, err error) {
	if errors.Is(err, nats.ErrPermissionViolation) && !strings.Contains(err.Error(), askServers) {
		c.denied.Store(&err)
	}
	c.b.asyncError(sub, err)
}

// roomy refuses servers that would not take the largest submission.
func (c *cluster) roomy() error {
	if most := c.conn.MaxPayload(); most < MaxBatch+4096 {
		return fmt.Errorf("server %q takes messages of at most %d bytes, a submission may have %d: set max_payload to 32MB in its configuration",
			c.conn.ConnectedServerName(), most, MaxBatch+4096)
	}
	return nil
}

// String is the addresses, without names and passwords in them.
func (c *cluster) String() string {
	var shown []string
	for url := range strings.SplitSeq(c.opts.URL, ",") {
		scheme, rest, ok := strings.Cut(strings.TrimSpace(url), "://")
		if !ok {
			scheme, rest = "nats", scheme
		}
		shown = append(shown, scheme+"://"+rest[strings.LastIndexByte(rest, '@')+1:])
	}
	return strings.Join(shown, ",")
}

// reconnected tells watchers that they may have missed something.
func (b *Bus) reconnected() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.changed)
	b.changed = make(chan struct{})
}

// told are the kinds that watchers of a cluster can wait for. Whoever needs other entries follows a ledger.
var told = []event.Kind{event.ApprovalRequested, event.ApprovalVoted, event.ApprovalDecided}

// errNotTold is what a watcher gets that would wait for ever.
var errNotTold = fmt.Errorf("on a cluster only %q can be watched", told)

// announce tells watchers what the cluster acknowledged.
func (c *cluster) announce(s *laneSubmission, receipts []event.Receipt) {
	for i, enc := range s.told {
		data := append(encodeReceipts(receipts[i:i+1]), encodeFrames([]event.Encoded{enc})...)
		if err := c.conn.Publish(subject(committed, s.session, s.kinds[i]), data); err != nil {
			c.b.log.Error("announce committed event", "id", receipts[i].ID, "error", err)
		}
	}
}
