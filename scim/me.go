package scim

import "net/http"

// me answers /Me (RFC 7644 §3.11) as the resource of the user that the token
// is bound to; 501 for a token that speaks for a directory.
func (s *Server) me(h func(*request) error) func(*request) error {
	return func(r *request) error {
		if r.actor.Subject == "" {
			return errScim(http.StatusNotImplemented, "", "This token is bound to no user, so /Me stands for nobody.")
		}
		r.t, r.id = r.set.User, r.actor.Subject
		r.c.Response().Header().Set("Content-Location", r.location(r.t, r.id))
		return h(r)
	}
}

// noMeCreate answers POST /Me: a token that is bound to a user has one already.
func (s *Server) noMeCreate(*request) error {
	return errScim(http.StatusNotImplemented, "", "Users aren't created through /Me; POST to /Users.")
}
