package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/workspace-scim/workspace/internal/csvrecords"
	"github.com/workspace-scim/workspace/internal/csvupload"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/internal/progressbar"
	"github.com/workspace-scim/workspace/store"
)

// UploadCmd uploads people from a CSV file (docs/uploads.md).
type UploadCmd struct {
	File      string              `arg:"" type:"existingfile" help:"CSV file with a header."`
	Tenant    string              `placeholder:"SLUG" help:"The tenant. It may be left out if there is only one."`
	Source    string              `required:"" placeholder:"NAME" help:"The source whose people they are."`
	Map       string              `type:"existingfile" placeholder:"FILE" help:"YAML or JSON file with the rules by which rows become users (docs/mapping.md). Without, a column is called as the attribute that it fills: userName, name.familyName."`
	DryRun    bool                `help:"Change nothing, and say what would be created, changed, disabled and refused."`
	Result    string              `type:"path" placeholder:"FILE" help:"CSV file that gets a line for each row: what became of it and why. Default: beside the file, as people.result.csv or people.preview.csv."`
	Encoding  csvrecords.Encoding `placeholder:"NAME" enum:",utf-8,utf-16le,utf-16be,windows-1252" default:"" help:"utf-8, utf-16le, utf-16be or windows-1252. Default: what the file looks like."`
	Separator string              `placeholder:"NAME" enum:",comma,semicolon,tab,pipe" default:"" help:"comma, semicolon, tab or pipe. Default: what the header has most."`
}

// Help fulfils kong.HelpProvider.
func (c *UploadCmd) Help() string {
	return "The rows are worked on here, or by a server on the same database. The command may be interrupted: the same command goes on where it was. The exit status is 1 if rows were refused."
}

// Run fulfils kong.
func (c *UploadCmd) Run(p *program) error {
	return p.withDirectory(func(d *directory.Directory) error {
		u, err := c.prepare(p, d)
		if err != nil {
			return err
		}
		defer u.file.Close()
		if c.DryRun {
			return u.preview()
		}
		return u.upload()
	})
}

// upload is one on its way.
type upload struct {
	*program
	d      *directory.Directory
	actor  directory.Actor
	source store.Source
	file   *os.File
	size   int64
	o      csvupload.Options
	result string
	tell   func(progressbar.Progress)
}

// separatorOf gives the separators their bytes.
func separatorOf(name string) byte {
	return map[string]byte{"comma": ',', "semicolon": ';', "tab": '\t', "pipe": '|'}[name]
}

func (c *UploadCmd) prepare(p *program, d *directory.Directory) (*upload, error) {
	tenant, err := p.onlyTenant(d, c.Tenant)
	if err != nil {
		return nil, err
	}
	u := &upload{program: p, d: d, result: c.Result}
	if u.actor, err = d.Administrator(p.ctx, p.by(), tenant); err != nil {
		return nil, err
	}
	if u.source, err = d.Source(p.ctx, tenant, c.Source); err != nil {
		return nil, err
	}
	u.o.Options = csvrecords.Options{Encoding: c.Encoding, Separator: separatorOf(c.Separator)}
	if c.Map != "" {
		document, err := os.ReadFile(c.Map)
		if err != nil {
			return nil, err
		}
		rules, err := csvupload.ParseRules(document)
		if err != nil {
			return nil, err
		}
		u.o.Rules = &rules
	}
	if u.result == "" {
		u.result = strings.TrimSuffix(c.File, ".csv") + map[bool]string{false: ".result.csv", true: ".preview.csv"}[c.DryRun]
	}
	if bar := progressbar.New(p.stderr); bar != nil {
		u.tell = bar.Tell
	} else {
		u.tell = p.lines()
	}
	if u.file, err = os.Open(c.File); err != nil {
		return nil, err
	}
	info, err := u.file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no file that can be read twice", c.File)
	}
	if err != nil {
		return nil, errors.Join(err, u.file.Close())
	}
	u.size = info.Size()
	return u, nil
}

// lineEvery is how often a line says how far it is, where there is no terminal.
const lineEvery = 10 * time.Second

// lines says how far something is in lines of the log.
func (p *program) lines() func(progressbar.Progress) {
	last := time.Now()
	return func(x progressbar.Progress) {
		if now := time.Now(); x.Phase != "" && now.Sub(last) >= lineEvery {
			last = now
			p.log.Info("upload", "phase", x.Phase, "done", x.Done, "total", x.Total, "unit", x.Unit)
		}
	}
}

// onlyTenant gives the tenant that is named, or the only one.
func (p *program) onlyTenant(d *directory.Directory, slug string) (string, error) {
	if slug != "" {
		return slug, nil
	}
	all, err := d.Tenants(p.ctx)
	if err != nil {
		return "", err
	}
	if len(all) != 1 {
		return "", fmt.Errorf("there are %d tenants: name one by --tenant", len(all))
	}
	return all[0].Slug, nil
}

// reading shows how far the file was read.
func (u *upload) reading(phase string) func(bytes, rows int64) {
	return func(bytes, _ int64) {
		u.tell(progressbar.Progress{Phase: phase, Done: bytes >> 10, Total: u.size >> 10, Unit: "KiB"})
	}
}

// preview tells what would become of the rows.
func (u *upload) preview() error {
	var sum csvupload.Summary
	part := u.result + ".part"
	err := u.write(part, func(r *csvupload.Result) error {
		u.o.Progress = u.reading("trying")
		return csvupload.Preview(u.ctx, u.d, u.actor, u.source, u.file, u.o, func(x store.UploadRecord) error {
			sum.Add(x)
			return r.Add(x)
		})
	})
	u.tell(progressbar.Progress{})
	if err != nil {
		_ = os.Remove(part) // it may not be there
		return err
	}
	for _, k := range csvupload.Kinds() {
		fmt.Fprintf(u.stdout, "%-9s %d\n", k, sum.Counts[k])
		for _, name := range sum.Names[k] {
			fmt.Fprintf(u.stdout, "  %s\n", printable(name))
		}
		if more := sum.Counts[k] - csvupload.Names; more > 0 {
			fmt.Fprintf(u.stdout, "  and %d more\n", more)
		}
	}
	fmt.Fprintf(u.stderr, "Nothing was changed. What would become of each row is in %s.\n", u.result)
	return nil
}

// upload uploads the file and waits until all of it is done. A file beside the
// result remembers that somebody waits for the result of this content: if it is
// there, the last upload of it is what was interrupted, also if it has ended since.
func (u *upload) upload() error {
	sum, err := csvupload.Content(u.file, u.o)
	if err != nil {
		return err
	}
	part := fmt.Sprintf("%s.%x.part", u.result, sum[:4])
	if _, err := os.Stat(part); err == nil {
		u.o.Finished = true
	}
	if err := mark(part); err != nil {
		return err
	}
	u.o.Progress = u.reading("reading")
	n, err := csvupload.Accept(u.ctx, u.d, u.actor, u.source, u.file, u.o)
	if n.PublicID == "" && err != nil {
		return errors.Join(err, os.Remove(part)) // nothing was uploaded
	}
	if err == nil {
		n, err = u.work(n)
	}
	u.tell(progressbar.Progress{})
	if err != nil {
		return fmt.Errorf("upload %s isn't finished, the same command goes on with it: %w", n.PublicID, err)
	}
	err = u.write(part, func(r *csvupload.Result) error { return csvupload.Each(u.ctx, u.d, n, r.Add) })
	if err != nil {
		return err
	}
	return u.report(n)
}

// poll is how often the command looks whether somebody else has done the work.
const poll = 200 * time.Millisecond

// work works on the rows until none waits, beside servers on the same database.
func (u *upload) work(n store.Run) (store.Run, error) {
	for n.State.Open() {
		done, err := u.d.WorkFile(u.ctx, u.actor, u.source.PublicID)
		if err != nil {
			return n, err
		}
		next, err := u.d.Run(u.ctx, u.actor, n.PublicID)
		if err != nil {
			return n, err
		}
		n = next
		u.tell(progressbar.Progress{Phase: "working", Done: n.Done, Total: n.Total, Unit: "rows"})
		if done > 0 || !n.State.Open() {
			continue
		}
		if err := pause(u.ctx, poll); err != nil {
			return n, err
		}
	}
	return n, nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// report says what became of an upload.
func (u *upload) report(n store.Run) error {
	var skipped int64
	for _, k := range n.Counts.Skipped {
		skipped += k
	}
	fmt.Fprintf(u.stdout, "run %s %s\ncreated %d\nchanged %d\ndisabled %d\nunchanged %d\nskipped %d\nrefused %d\n",
		n.PublicID, n.State, n.Counts.Created, n.Counts.Updated, n.Counts.Disabled, n.Counts.Unchanged, skipped, n.Counts.Failed)
	fmt.Fprintf(u.stderr, "What became of each row is in %s.\n", u.result)
	switch {
	case n.State != store.RunSucceeded:
		return fmt.Errorf("upload %s was %s", n.PublicID, n.State)
	case n.Counts.Failed > 0:
		return fmt.Errorf("%d of %d rows were refused", n.Counts.Failed, n.Total)
	}
	return nil
}

// mark makes an empty file that only its owner reads, unless it is there.
func mark(name string) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// write writes the result to a file of another name first, so that it is whole.
func (u *upload) write(part string, fill func(*csvupload.Result) error) error {
	f, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = fillResult(f, fill)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(part, u.result)
}

func fillResult(w io.Writer, fill func(*csvupload.Result) error) error {
	r, err := csvupload.NewResult(w)
	if err != nil {
		return err
	}
	if err := fill(r); err != nil {
		return err
	}
	return r.Flush()
}
