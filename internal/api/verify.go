package api

import (
	"encoding/hex"
	"net/http"
	"time"
)

// verifySource compares what a source asserted with what is stored. The report
// is the run's plan.
func (s *Server) verifySource(r *request) error {
	n, err := s.dir.VerifySource(r.c.Request().Context(), r.actor, r.id)
	if err != nil {
		return err
	}
	r.c.Response().Header().Set("Location", Prefix+"/runs/"+n.PublicID)
	return r.run(http.StatusCreated, n)
}

// digest stands for all that a source asserts (row H011).
type digest struct {
	Source  string `json:"source"`
	Name    string `json:"name"`
	Links   int64  `json:"links"`
	Members int64  `json:"members"`
	SHA256  string `json:"sha256"`
}

func (s *Server) listDigests(r *request) error {
	all, err := s.dir.Digests(r.c.Request().Context(), r.actor)
	if err != nil {
		return err
	}
	out := listing[digest]{Items: make([]digest, 0, len(all))}
	for _, x := range all {
		out.Items = append(out.Items, digest(x))
	}
	return r.json(http.StatusOK, out)
}

// logHead is the last seal of the tenant's log.
type logHead struct {
	Seq      int64      `json:"seq"`
	SHA256   string     `json:"sha256,omitempty"`
	SealedAt *time.Time `json:"sealedAt,omitempty"`
}

func (s *Server) getLogHead(r *request) error {
	x, err := s.dir.SealedHead(r.c.Request().Context(), r.actor)
	if err != nil {
		return err
	}
	out := logHead{Seq: x.Seq, SHA256: hex.EncodeToString(x.Hash)}
	if x.Seq != 0 {
		out.SealedAt = &x.SealedAt
	}
	return r.json(http.StatusOK, out)
}
