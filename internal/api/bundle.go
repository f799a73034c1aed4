package api

import "net/http"

// supportBundle answers a zip archive that is written as it is read.
func (s *Server) supportBundle(r *request) error {
	return s.dir.WriteBundle(r.c.Request().Context(), r.actor, s.version, &bundleWriter{r: r})
}

// bundleWriter sends the header with the first byte: what fails before it is a
// problem, and what fails after it breaks the answer off.
type bundleWriter struct {
	r     *request
	begun bool
}

// Write implements io.Writer.
func (w *bundleWriter) Write(p []byte) (int, error) {
	if !w.begun {
		w.begun = true
		h := w.r.c.Response().Header()
		h.Set("Content-Type", "application/zip")
		h.Set("Content-Disposition", `attachment; filename="workspace-support.zip"`)
		w.r.c.Response().WriteHeader(http.StatusOK)
	}
	if w.r.c.Request().Method == http.MethodHead {
		return len(p), nil
	}
	return w.r.c.Response().Write(p)
}
