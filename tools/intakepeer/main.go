// Command intakepeer is the OpenTelemetry Collector as far as it takes logs in and keeps them: its OTLP receiver in front of its exporter
// helper with a persistent queue in file_storage, behind which nothing is sent. It is the yardstick of bench -what intake, in a module of its
// own because the product does without the collector.
//
//	intakepeer ADDRESS FOLDER FSYNC
//
// It serves OTLP over HTTP on ADDRESS until its standard input ends; FSYNC is true or false, as file_storage has it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
)

func main() {
	if err := run(context.Background(), os.Args[1], os.Args[2], os.Args[3] == "true"); err != nil {
		fmt.Fprintln(os.Stderr, "intakepeer:", err)
		os.Exit(1)
	}
}

type host map[component.ID]component.Component

func (h host) GetExtensions() map[component.ID]component.Component { return h }

func run(ctx context.Context, address, folder string, fsync bool) error {
	var (
		storage  = component.MustNewID("file_storage")
		settings = componenttest.NewNopTelemetrySettings()
		stores   = filestorage.NewFactory()
		keeping  = stores.CreateDefaultConfig().(*filestorage.Config)
	)
	keeping.Directory, keeping.Compaction.Directory, keeping.FSync = folder, folder, fsync
	files, err := stores.Create(ctx, extension.Settings{ID: storage, TelemetrySettings: settings}, keeping)
	if err != nil {
		return err
	}
	queue := exporterhelper.NewDefaultQueueConfig()
	queue.StorageID, queue.QueueSize, queue.NumConsumers = &storage, 1<<30, 1
	away := make(chan struct{}) // the destination: nothing is taken until the end
	exports, err := exporterhelper.NewLogs(ctx, exporter.Settings{ID: component.MustNewID("peer"), TelemetrySettings: settings}, &struct{}{},
		func(ctx context.Context, _ plog.Logs) error {
			select {
			case <-away:
			case <-ctx.Done():
			}
			return errors.New("away")
		}, exporterhelper.WithQueue(configoptional.Some(queue)), exporterhelper.WithTimeout(exporterhelper.TimeoutConfig{}))
	if err != nil {
		return err
	}
	receivers := otlpreceiver.NewFactory()
	listening := receivers.CreateDefaultConfig()
	err = confmap.NewFromStringMap(map[string]any{"protocols": map[string]any{"http": map[string]any{"endpoint": address}}}).Unmarshal(listening)
	if err != nil {
		return err
	}
	receives, err := receivers.CreateLogs(ctx, receiver.Settings{ID: component.MustNewID("otlp"), TelemetrySettings: settings}, listening, exports)
	if err != nil {
		return err
	}
	all := []component.Component{files, exports, receives}
	for _, c := range all {
		if err := c.Start(ctx, host{storage: files}); err != nil {
			return err
		}
	}
	fmt.Println(address, strconv.FormatBool(fsync))
	_, _ = io.Copy(io.Discard, os.Stdin)
	close(away)
	return errors.Join(receives.Shutdown(ctx), exports.Shutdown(ctx), files.Shutdown(ctx))
}
