package api

import (
	"net/http"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// origin names a source.
type origin struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Kind string `json:"kind"`
}

func showOrigin(s store.Source) origin {
	return origin{ID: s.PublicID, Name: s.Name, Kind: string(s.Kind)}
}

// groupAuthority is whose a group is.
type groupAuthority struct {
	ID          string `json:"id"`
	DisplayName string `json:"displayName"`
	Authority   origin `json:"authority"`
	Chosen      bool   `json:"chosen"`
	Class       string `json:"class"`
}

func showAuthority(x directory.GroupAuthority) groupAuthority {
	return groupAuthority{ID: x.ID, DisplayName: x.Display, Authority: showOrigin(x.Authority), Chosen: x.Chosen, Class: x.Class}
}

// putAuthority declares a group's authority.
func (s *Server) putAuthority(r *request) error {
	var body struct {
		Source *string `json:"source"`
	}
	if err := r.decode(&body); err != nil {
		return err
	}
	if body.Source == nil {
		return problem{Status: http.StatusBadRequest, Code: "invalidValue", Attribute: "source", Detail: "source is missing.", Way: `Send the source's id or name, or "" to leave it to precedence.`}
	}
	out, err := s.dir.ChooseAuthority(r.c.Request().Context(), r.actor, r.id, *body.Source, r.actor.DryRun)
	if err != nil {
		return err
	}
	return r.json(http.StatusOK, showAuthority(out))
}
