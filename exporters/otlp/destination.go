package otlp

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"proctor/exporters"
)

// destinationName is the cursor key: kind, signal, host and path, without user, password and query.
func destinationName(signal string, e Exporter) string {
	u, err := url.Parse(e.Endpoint)
	if err != nil { // checked before
		return signal
	}
	return strings.TrimSuffix(fmt.Sprintf("%s/%s/%s%s", e.Kind, signal, u.Host, u.EscapedPath()), "/")
}

// destination is one signal to one collector.
type destination struct {
	name, signal string
	to           Exporter
	sender       sender
	batch        func(exporters.Limits) exporters.Batch
}

// Interval is how long a batch waits for more: the defaults of the CLI.
func (d *destination) Interval() time.Duration {
	if d.to.Interval > 0 {
		return d.to.Interval
	}
	switch d.signal {
	case "metrics":
		return time.Minute
	case "traces":
		return 5 * time.Second
	}
	return time.Second
}

func (d *destination) Name() string           { return d.name }
func (d *destination) Signal() string         { return d.signal }
func (d *destination) Timeout() time.Duration { return d.to.Timeout }
func (d *destination) Close() error           { return d.sender.close() }

// NewBatch starts a batch within the limits of the exporter and the destination's own.
func (d *destination) NewBatch(l exporters.Limits) exporters.Batch {
	if d.to.Records > 0 {
		l.Records = min(l.Records, d.to.Records)
	}
	return d.batch(l)
}

// Named is a destination that options switch on, by the name of its cursor.
type Named struct{ Name, Signal string }

// Destinations are those that New would make, without looking at files or addresses.
func (o Options) Destinations() []Named {
	var out []Named
	for _, d := range []struct {
		signal string
		to     Exporter
	}{{"logs", o.Logs}, {"metrics", o.Metrics}, {"traces", o.Traces}} {
		if d.to.Enabled() {
			out = append(out, Named{destinationName(d.signal, d.to), d.signal})
		}
	}
	return out
}
