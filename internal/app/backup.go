package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/ledger"
)

// ledgerDir is where the configuration says that the ledger is.
func ledgerDir(env cli.Env, o config.Options) (string, error) {
	cfg, warnings, err := env.Configure(o)
	if err != nil {
		return "", err
	}
	cli.ShowWarnings(env, warnings)
	return cfg.Proctor.Ledger.Dir, nil
}

// Backup copies the ledger, beside its owner if there is one, into a folder of backups.
func Backup(ctx context.Context, env cli.Env, o config.Options, to string, asJSON bool) error {
	dir, err := ledgerDir(env, o)
	if err != nil {
		return err
	}
	if !ledger.Exists(dir) {
		return noLedger(dir)
	}
	bar := newProgress(env, "backup")
	r, err := ledger.Backup(ctx, dir, env.Abs(to), bar.bytes)
	bar.end()
	if err != nil {
		return cli.Fail(cli.NotDurable, err)
	}
	if asJSON {
		return encode(env.Stdout, r)
	}
	_, _ = fmt.Fprintf(env.Stdout, "%s\n  entries      %d, root %s\n  signed       the first %d, by %s\n  size         %s in %s\n", r.Dir, r.Entries, r.Root, r.Checkpoint, r.PublicKey,
		sizeText(uint64(r.Bytes)), counted(r.Files, "file")) //nolint:gosec // not negative
	if r.Since != "" {
		_, _ = fmt.Fprintf(env.Stdout, "  shared       %s in %s, hard links to %s\n", sizeText(uint64(r.LinkedBytes)), counted(r.Linked, "file"), r.Since) //nolint:gosec // not negative
	}
	_, _ = fmt.Fprintln(env.Stderr, "the backup holds the ledger's keys: whoever has it can read every text in it")
	return nil
}

// Restore puts a backup in the place of the ledger, where none is.
func Restore(ctx context.Context, env cli.Env, o config.Options, from string, asJSON bool) error {
	dir, err := ledgerDir(env, o)
	if err != nil {
		return err
	}
	bar := newProgress(env, "restore")
	r, err := ledger.Restore(ctx, env.Abs(from), dir, bar.bytes)
	bar.end()
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	if asJSON {
		return encode(env.Stdout, r)
	}
	_, err = fmt.Fprintf(env.Stdout, "%s is the ledger as it was at %s\n  entries      %d, root %s\n  signed       the first %d, by %s\n  from         %s\n", dir, r.Made.Local().Format("2006-01-02 15:04:05"),
		r.Entries, r.Root, r.Checkpoint, r.PublicKey, r.Dir)
	_, _ = fmt.Fprintln(env.Stderr, "what was recorded after that is not in it, and the old ledger must not go on beside it: compare with a kept log of\ncheckpoints, 'proctor ledger verify --checkpoints FILE'")
	return cli.Fail(cli.Failure, err)
}

// Migration is what proctor ledger migrate --json prints.
type Migration struct {
	Dir    string `json:"dir"`
	Found  string `json:"found"`
	Known  string `json:"known"`
	Needed bool   `json:"needed"`
	// Migrated: it has the known format now.
	Migrated bool `json:"migrated"`
}

// Migrate brings the ledger to this program's format, or only says whether that is needed.
func Migrate(env cli.Env, o config.Options, dryRun, asJSON bool) error {
	dir, err := ledgerDir(env, o)
	if err != nil {
		return err
	}
	found, known, err := ledger.Format(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return noLedger(dir)
	}
	if err != nil {
		return cli.Fail(cli.NotDurable, fmt.Errorf("ledger %s: %w; use the program that wrote it, nothing was changed", dir, err))
	}
	m := Migration{Dir: dir, Found: found, Known: known, Needed: found != known}
	if m.Needed && !dryRun {
		if err := ledger.Migrate(dir, ledger.Options{Logger: env.Logger()}); err != nil {
			return cli.Fail(cli.NotDurable, fmt.Errorf("migrate ledger %s: %w", dir, err))
		}
		m.Migrated = true
	}
	if asJSON {
		return encode(env.Stdout, m)
	}
	says := "which is what this program writes: there is nothing to migrate"
	switch {
	case m.Migrated:
		says = fmt.Sprintf("and was given %q: older programs refuse it from now on", known)
	case m.Needed:
		says = fmt.Sprintf("this program writes %q: 'proctor ledger migrate' changes that; what is recorded stays as it is", known)
	}
	_, err = fmt.Fprintf(env.Stdout, "%s has format %q, %s\n", dir, found, says)
	return cli.Fail(cli.Failure, err)
}

// readCheckpoints reads checkpoints that were kept elsewhere.
func readCheckpoints(env cli.Env, file string) ([]string, error) {
	f, err := os.Open(env.Abs(file))
	if err != nil {
		return nil, cli.Fail(cli.Failure, err)
	}
	notes, err := ledger.ReadCheckpoints(f)
	if err = errors.Join(err, f.Close()); err != nil {
		err = fmt.Errorf("%s: %w: expected a copy of the ledger's file \"checkpoints\", a signed note, or an evidence file", file, err)
	}
	return notes, cli.Fail(cli.Failure, err)
}
