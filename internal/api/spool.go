package api

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"time"

	"github.com/workspace-scim/workspace/internal/csvupload"
	"github.com/workspace-scim/workspace/internal/mapping"
)

// The bounds of files that are uploaded.
const (
	defaultMaxFile = 1 << 30 // bytes
	// maxFiles is how many files are taken at once, by each process.
	maxFiles = 4
	// patience is how long a client may take for patientBytes of its file.
	patience = 30 * time.Second
	// answerTime is how long after the last of it the answer may take.
	answerTime   = 5 * time.Minute
	patientBytes = 1 << 20
)

// spooled is a file of a request, kept on the disk.
type spooled struct {
	file  *os.File
	rules *mapping.Rules // nil without
}

// Close forgets the file.
func (f *spooled) Close() { _ = f.file.Close() } // its name is gone already

// spool keeps the file of a request in the temporary directory: it is read
// twice, and memory doesn't grow with it. The body is the file itself, or a form
// with the parts mapping and file.
func (s *Server) spool(r *request) (*spooled, error) {
	file, err := os.CreateTemp("", "workspace-upload-*")
	if err != nil {
		return nil, err
	}
	out := &spooled{file: file}
	if err = os.Remove(file.Name()); err == nil {
		err = s.fill(r, out)
	}
	if err != nil {
		out.Close()
		return nil, err
	}
	return out, nil
}

func (s *Server) fill(r *request, out *spooled) error {
	body := readable{&patient{
		from: http.MaxBytesReader(r.c.Response(), r.c.Request().Body, s.maxFile),
		extend: func(t time.Time) {
			c := http.NewResponseController(r.c.Response())
			// A test's recorder has none. HTTP/2 resets a stream whose time to write is
			// over while it is still read.
			_ = errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t.Add(answerTime)))
		},
	}}
	media, parameters, err := mime.ParseMediaType(r.c.Request().Header.Get("Content-Type"))
	if err != nil || media != "multipart/form-data" {
		if err := r.bodyType("text/csv"); err != nil {
			return err
		}
		_, err := io.Copy(out.file, body)
		return err
	}
	return out.form(multipart.NewReader(body, parameters["boundary"]))
}

// form reads the parts of a form.
func (f *spooled) form(form *multipart.Reader) error {
	for found := false; ; {
		part, err := form.NextPart()
		switch {
		case errors.Is(err, io.EOF) && !found:
			return badForm("The form has no part file.")
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return formError(err)
		}
		switch name := part.FormName(); {
		case name == "mapping" && f.rules == nil:
			err = f.mapping(part)
		case name == "file" && !found:
			found = true
			_, err = io.Copy(f.file, part)
			err = formError(err)
		default:
			return badForm("A form has the part file, and may have the part mapping, each once.")
		}
		if err != nil {
			return err
		}
	}
}

func (f *spooled) mapping(part io.Reader) error {
	document, err := io.ReadAll(io.LimitReader(part, mapping.MaxRules+1))
	if err != nil {
		return formError(err)
	}
	rules, err := csvupload.ParseRules(document)
	f.rules = &rules
	return err
}

func badForm(detail string) error {
	return problem{Status: http.StatusBadRequest, Code: "invalidSyntax", Detail: detail}
}

// formError gives an error of reading a form its meaning: that of the body, or
// that it is no form.
func formError(err error) error {
	if err == nil {
		return nil
	}
	var p problem
	var tooLarge *http.MaxBytesError
	if errors.As(err, &p) || errors.As(err, &tooLarge) || errors.Is(err, errUnreadable) {
		return err
	}
	var path *os.PathError
	if errors.As(err, &path) {
		return err // the disk's, which isn't the client's
	}
	return badForm("The body is no form that can be read.")
}

// patient reads a body for which a client has time as long as it keeps sending.
type patient struct {
	from   io.Reader
	extend func(until time.Time)
	left   int // bytes for which the deadline holds
}

// Read implements io.Reader.
func (p *patient) Read(b []byte) (int, error) {
	if p.left <= 0 {
		p.extend(time.Now().Add(patience))
		p.left = patientBytes
	}
	n, err := p.from.Read(b)
	p.left -= n
	return n, err
}
