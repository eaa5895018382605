package app

import (
	"context"
	"fmt"
	"text/tabwriter"

	"proctor/internal/cli"
)

// Stats sums up the ledger.
func Stats(ctx context.Context, env cli.Env, s *Store, asJSON bool) error {
	st, err := s.Ledger.Stats(ctx)
	if err != nil {
		return cli.Fail(cli.Failure, err)
	}
	if asJSON {
		return encode(env.Stdout, st)
	}
	t := tabwriter.NewWriter(env.Stdout, 0, 4, 2, ' ', 0)
	line := func(label, format string, args ...any) { _, _ = fmt.Fprintf(t, label+"\t"+format+"\n", args...) }
	line("entries", "%d, %.0f bytes each", st.Entries, st.PerEntry)
	line("sessions", "%d: %d open, %d on hold, %d erased", st.Sessions, st.Open, st.Held, st.Erased)
	if st.Unpurged > 0 {
		line("not purged", "%d erased sessions may still be found in files", st.Unpurged)
	}
	if st.Oldest != nil {
		line("oldest", "%s", st.Oldest.Local().Format("2006-01-02 15:04:05"))
		line("newest", "%s", st.Newest.Local().Format("2006-01-02 15:04:05"))
	}
	line("signed", "the first %d, %d above", st.Checkpoint, st.Unsigned)
	line("search index", "%d entries", st.Indexed)
	line("on disk", "%s", sizeText(uint64(st.Disk.Total))) //nolint:gosec // not negative
	for _, d := range []struct {
		what  string
		bytes uint64
	}{
		{"entries", st.Disk.Entries}, {"content", st.Disk.Content}, {"tree", st.Disk.Tree}, {"indexes", st.Disk.Indexes}, {"search index", st.Disk.Search},
		{"checkpoints", st.Disk.Checkpoints}, {"write-ahead log", uint64(st.Disk.Log)}, //nolint:gosec // not negative
	} {
		line("  "+d.what, "%s", sizeText(d.bytes))
	}
	for _, g := range st.Growth {
		line("last "+counted(g.Days, "day"), "%d entries, about %s", g.Entries, sizeText(g.Bytes))
	}
	return cli.Fail(cli.Failure, t.Flush())
}
