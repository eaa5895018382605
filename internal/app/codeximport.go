package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"proctor/event"
	"proctor/internal/cli"
	"proctor/internal/codex"
	"proctor/internal/config"
	"proctor/ledger"
)

// CodexImportOptions are the flags of proctor codex import.
type CodexImportOptions struct {
	Config config.Options
	Paths  []string // files, and folders whose rollout files are taken
	JSON   bool
}

// imported is what became of one file.
type imported struct {
	File string `json:"file"`
	codex.Summary
	// Added are events that the ledger did not have.
	Added int `json:"added"`
}

// CodexImport records what files of Codex tell and the ledger does not have yet. A file that cannot be read leaves no event, and the others are taken.
func CodexImport(ctx context.Context, env cli.Env, o CodexImportOptions) error {
	files, err := sources(env, o.Paths)
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	return WithStore(ctx, env, o.Config, Open, Runner, func(store *Store, _ *config.Config) error {
		return (&codexImporter{env: env, store: store, asJSON: o.JSON, touched: map[string]bool{}}).run(ctx, files)
	})
}

// sources are the files to read: those that were named, and the rollout files below folders.
func sources(env cli.Env, paths []string) (files []string, err error) {
	for _, path := range paths {
		path = env.Abs(path)
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("import %s: %w", path, errors.Unwrap(err))
		}
		if !info.IsDir() {
			files = append(files, path)
			continue
		}
		before := len(files)
		err = filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && isRollout(d.Name()) {
				files = append(files, name)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("import %s: %w", path, err)
		}
		if len(files) == before {
			return nil, fmt.Errorf("import %s: there is no rollout file (rollout-*.jsonl, rollout-*.jsonl.zst) below; Codex keeps them in $CODEX_HOME/sessions", path)
		}
	}
	return files, nil
}

func isRollout(name string) bool {
	return strings.HasPrefix(name, "rollout-") && (strings.HasSuffix(name, ".jsonl") || strings.HasSuffix(name, ".jsonl.zst"))
}

type codexImporter struct {
	env     cli.Env
	store   *Store
	asJSON  bool
	touched map[string]bool // sessions that this import wrote
}

func (i *codexImporter) run(ctx context.Context, files []string) error {
	if err := i.store.readable(); err != nil {
		return cli.Fail(cli.Failure, fmt.Errorf("import: %w", err))
	}
	// One import at a time: it reads what is there before it adds.
	release, err := ledger.Claim(i.store.dir, "codex-import")
	if errors.Is(err, ledger.ErrClaimed) {
		return cli.Fail(cli.Failure, errors.New("another 'proctor codex import' is at work on this ledger; wait for it, and import again"))
	}
	if err != nil {
		return notDurable(err)
	}
	defer release()
	if err := i.store.refresh(); err != nil {
		return notDurable(err)
	}
	all := struct {
		Files  []imported `json:"files"`
		Added  int        `json:"added"`
		Failed int        `json:"failed"`
	}{Files: []imported{}}
	bar := newProgress(i.env, "import")
	var failures []error
	for n, file := range files {
		bar.update(uint64(n), uint64(len(files)))
		one, err := i.file(ctx, file)
		switch {
		case i.store.Err() != nil:
			bar.end()
			return notRecordedBy(i.store)
		case ctx.Err() != nil:
			bar.end()
			return cli.Fail(cli.ExitOf(context.Cause(ctx)), context.Cause(ctx))
		case err != nil:
			failures = append(failures, fmt.Errorf("import %s: %w", file, err))
			continue
		}
		bar.end()
		all.Files, all.Added = append(all.Files, one), all.Added+one.Added
		i.tell(one)
	}
	bar.end()
	all.Failed = len(failures)
	if i.asJSON {
		if err := jsonLine(i.env, all); err != nil {
			failures = append(failures, err)
		}
	}
	return cli.Fail(cli.Failure, errors.Join(failures...))
}

func (i *codexImporter) tell(one imported) {
	if one.Malformed > 0 {
		cli.Warn(i.env, fmt.Sprintf("%s: %d lines are not what Codex writes and were passed over, the first is line %d", one.File, one.Malformed, one.FirstMalformed))
	}
	if one.CutTexts+one.DroppedChanges > 0 {
		cli.Warn(i.env, fmt.Sprintf("%s: %d texts were cut, %d file changes left out: above the bounds of one event", one.File, one.CutTexts, one.DroppedChanges))
	}
	if !i.asJSON {
		_, _ = fmt.Fprintf(i.env.Stdout, "%s  %s, %d events, %d new, session %s\n", one.File, one.Format, one.Events, one.Added, one.Session)
	}
}

// maxContinuations bounds the sources of one thread: each 'codex exec resume' prints one.
const maxContinuations = 1000

// file records what a file has and the ledger lacks. A source goes into the session of its thread that has its beginning, or a new one: so a longer
// version adds its new part, and what a resumed thread printed is kept apart from what it printed before.
func (i *codexImporter) file(ctx context.Context, path string) (imported, error) {
	one := imported{File: path}
	f, err := os.Open(path)
	if err != nil {
		return one, errors.Unwrap(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return one, errors.Join(err, errors.New("expected a regular file; save a stream to a file first"))
	}
	session, base := "", ""
	for n := 1; n <= maxContinuations; n++ {
		told := map[event.ID]bool{}
		var derived []codex.Report
		sum, err := readSource(ctx, f, session, func(r codex.Report) error {
			if r.Derived {
				derived = append(derived, r)
			} else {
				told[r.ID] = true
			}
			return nil
		})
		if err != nil || sum.Session == "" {
			return one, errors.Join(err, emptySource(err))
		}
		if n == 1 {
			base = sum.Session
		}
		known, err := i.known(ctx, sum.Session)
		if err != nil {
			return one, err
		}
		if both := known.both(told); both == len(told) || both == len(known.told) {
			one.Summary = sum
			if both < len(told) || slices.ContainsFunc(derived, func(r codex.Report) bool { return !known.has(r) }) {
				one.Added, err = i.add(ctx, f, sum.Session, known)
			}
			return one, err
		}
		session = fmt.Sprintf("%s-%d", base, n+1)
	}
	return one, fmt.Errorf("thread has more than %d different sources in the ledger", maxContinuations)
}

func emptySource(err error) error {
	if err != nil {
		return nil
	}
	return fmt.Errorf("no line names a thread: %w", codex.ErrNoSource)
}

func readSource(ctx context.Context, f io.ReadSeeker, session string, emit func(codex.Report) error) (codex.Summary, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return codex.Summary{}, err
	}
	return codex.Import(bufio.NewReaderSize(f, 256<<10), codex.Options{Session: session}, func(r codex.Report) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return emit(r)
	})
}

// add records the events of a source that are not known.
func (i *codexImporter) add(ctx context.Context, f io.ReadSeeker, session string, known knownReports) (added int, err error) {
	i.touched[session] = true
	var batch []codex.Report
	size := 0
	flush := func() error {
		err := i.store.takeReports(ctx, batch)
		if err == nil {
			added += len(batch)
		}
		batch, size = batch[:0], 0
		return err
	}
	_, err = readSource(ctx, f, session, func(r codex.Report) error {
		if known.has(r) {
			return nil
		}
		batch, size = append(batch, r), size+reportBytes(r)
		if size < 8*maxReportBytes {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	return added, err
}

// knownReports are the events of a session of reports.
type knownReports struct {
	told  map[event.ID]bool
	ended map[string]bool // calls with a result
}

func (i *codexImporter) known(ctx context.Context, session string) (knownReports, error) {
	k := knownReports{told: map[event.ID]bool{}, ended: map[string]bool{}}
	if i.touched[session] { // what is read may be older
		if err := i.store.refresh(); err != nil {
			return k, notDurable(err)
		}
	}
	if _, err := i.store.Ledger.SessionInfo(ctx, session); errors.Is(err, ledger.ErrUnknownSession) {
		return k, nil
	}
	return k, i.store.EachEntry(ctx, session, 1, func(e event.Entry) error {
		if e.Event == nil { // of a kind that this program does not know: not of an import
			return nil
		}
		if p, ok := e.Event.Payload.(*event.ToolResultPayload); ok {
			k.ended[e.Event.Call] = true
			if strings.HasSuffix(p.AgentName, codex.Unended) {
				return nil
			}
		}
		k.told[e.Event.ID] = true
		return nil
	})
}

// both counts the events that a source and the session have. Ids are made of all lines before: when that is all of one side, it is the beginning of the other.
func (k knownReports) both(told map[event.ID]bool) (n int) {
	for id := range told {
		if k.told[id] {
			n++
		}
	}
	return n
}

// has reports whether an event need not be recorded. What the end of a source says does not count once a call has a result.
func (k knownReports) has(r codex.Report) bool {
	return k.told[r.ID] || r.Derived && k.ended[r.Call]
}
