package api

import (
	"encoding/hex"
	"net/http"

	"github.com/workspace-scim/workspace/internal/directory"
)

// impact is whom and what the plan of a run would hit.
type impact struct {
	PlanHash           string          `json:"planHash"`
	Deletes            int64           `json:"deletes"`
	Disables           int64           `json:"disables"`
	IdentityChanges    int64           `json:"identityChanges"`
	MembershipRemovals int64           `json:"membershipRemovals"`
	People             int64           `json:"people"`
	Groups             int64           `json:"groups"`
	Products           []productImpact `json:"products"`
}

type productImpact struct {
	ID          string `json:"id"`
	DisplayName string `json:"displayName"`
	People      int64  `json:"people"`
}

// getImpact works out what an administrator wants to know before a decision.
func (s *Server) getImpact(r *request) error {
	x, err := s.dir.Impact(r.c.Request().Context(), r.actor, r.id)
	if err != nil {
		return err
	}
	return r.json(http.StatusOK, showImpact(x))
}

func showImpact(x directory.Impact) impact {
	out := impact{
		PlanHash: hex.EncodeToString(x.PlanHash), Deletes: x.Deletes, Disables: x.Disables, IdentityChanges: x.IdentityChanges,
		MembershipRemovals: x.MembershipRemovals, People: x.People, Groups: x.Groups, Products: []productImpact{},
	}
	for _, p := range x.Products {
		out.Products = append(out.Products, productImpact{p.ID, p.Name, p.People})
	}
	return out
}
