//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/codenotary/immudb/embedded/logger"
	immudb "github.com/codenotary/immudb/embedded/store"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
	_ "modernc.org/sqlite"
)

func key(i int, n uint64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(nil, uint32(i)), n)
}

// openPebble has the ledger's own settings, one synced batch for each record.
func openPebble(_ context.Context, dir string) (write, error) {
	db, err := pebble.Open(dir, &pebble.Options{
		MemTableSize: 4 << 20, MemTableStopWritesThreshold: 3, Logger: quiet{}, FormatMajorVersion: pebble.FormatWALSyncChunks,
	})
	if err != nil {
		return nil, err
	}
	return func(_ context.Context, i int, n uint64, record []byte) error {
		return db.Set(key(i, n), record, pebble.Sync)
	}, nil
}

type quiet struct{}

func (quiet) Infof(string, ...any)           {}
func (quiet) Errorf(string, ...any)          {}
func (quiet) Fatalf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }

// openSQLite has one transaction for each record, in write-ahead mode, synced.
func openSQLite(ctx context.Context, dir string) (write, error) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(60000)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // there is one writer at a time in any case: waiting here is cheaper than in the file's lock
	if _, err := db.ExecContext(ctx, "create table record (id blob primary key, body blob) without rowid"); err != nil {
		return nil, err
	}
	insert, err := db.PrepareContext(ctx, "insert into record values (?, ?)")
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, i int, n uint64, record []byte) error {
		_, err := insert.ExecContext(ctx, key(i, n), record)
		return err
	}, nil
}

// openImmudb is the embedded store with its defaults, which sync every 20 ms for all that wait, and room for the writers.
func openImmudb(_ context.Context, dir string) (write, error) {
	s, err := immudb.Open(dir, immudb.DefaultOptions().WithSynced(true).WithMaxConcurrency(256).WithLogger(logger.NewSimpleLogger("immudb", io.Discard)))
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, i int, n uint64, record []byte) error {
		tx, err := s.NewWriteOnlyTx(ctx)
		if err != nil {
			return err
		}
		if err := tx.Set(key(i, n), nil, record); err != nil {
			return err
		}
		_, err = tx.Commit(ctx)
		return err
	}, nil
}

// openTessera waits until an entry is in the tree, as the driver for POSIX file systems stores it. Batches end after 1 ms, or with 256 entries.
func openTessera(ctx context.Context, dir string) (write, error) {
	private, _, err := note.GenerateKey(rand.Reader, "bench")
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		return nil, err
	}
	driver, err := posix.New(ctx, posix.Config{Path: dir})
	if err != nil {
		return nil, err
	}
	opts := tessera.NewAppendOptions().WithCheckpointSigner(signer).WithBatching(256, time.Millisecond).WithCheckpointInterval(time.Second)
	appender, _, _, err := tessera.NewAppender(ctx, driver, opts)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, i int, n uint64, record []byte) error {
		copy(record, key(i, n))
		_, err := appender.Add(ctx, tessera.NewEntry(record))()
		return err
	}, nil
}

// openJetStream is an embedded server, a stream on disk and a synchronous sync of every message.
func openJetStream(ctx context.Context, dir string) (write, error) {
	s, err := server.NewServer(&server.Options{DontListen: true, JetStream: true, StoreDir: dir, SyncAlways: true, NoLog: true, NoSigs: true})
	if err != nil {
		return nil, err
	}
	s.Start()
	if !s.ReadyForConnections(30 * time.Second) {
		return nil, errors.New("the server did not start")
	}
	conn, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, err
	}
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "records", Subjects: []string{"records.*"}}); err != nil {
		return nil, err
	}
	return func(ctx context.Context, i int, _ uint64, record []byte) error {
		_, err := js.Publish(ctx, fmt.Sprintf("records.%d", i), record)
		return err
	}, nil
}
