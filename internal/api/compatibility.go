package api

import (
	"maps"
	"net/http"
	"strconv"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/internal/reconcile"
	"github.com/workspace-scim/workspace/store"
)

// reference names a resource.
type reference struct {
	ID      string `json:"id"`
	Display string `json:"display"`
}

func showRef(r store.Ref) reference { return reference{ID: r.ID, Display: r.Display} }

// line is what a product brings to a user in one place.
type line struct {
	Value   string `json:"value"`
	Type    string `json:"type"`
	Display string `json:"display"`
	Verdict string `json:"verdict"`
	Reason  string `json:"reason,omitempty"`
	Detail  string `json:"detail,omitempty"`
	WayOut  string `json:"wayOut,omitempty"`
	Command string `json:"command,omitempty"`
	State   string `json:"state"`
}

func showLine(x directory.Line) line {
	verdict := "incompatible"
	if x.Compatible {
		verdict = "compatible"
	}
	return line{Value: x.ID, Type: x.Type, Display: x.Display, Verdict: verdict, Reason: x.Reason, Detail: x.Detail, WayOut: x.WayOut, Command: x.Command, State: x.State}
}

// assessment is what a product comes to for a user. Outcome is complete, partial
// or blocked: what an order would be.
type assessment struct {
	User         reference   `json:"user"`
	Product      reference   `json:"product"`
	Outcome      string      `json:"outcome"`
	Lines        []line      `json:"lines"`
	Alternatives []reference `json:"alternatives"`
}

func (s *Server) getCompatibility(r *request) error {
	user, err := r.named("user")
	if err != nil {
		return err
	}
	product, err := r.named("product")
	if err != nil {
		return err
	}
	x, err := s.dir.Compatibility(r.c.Request().Context(), r.actor, user, product)
	if err != nil {
		return err
	}
	out := assessment{User: showRef(x.User), Product: showRef(x.Product), Outcome: directory.OrderPartial, Lines: []line{}, Alternatives: []reference{}}
	switch {
	case x.Lines.Blocked():
		out.Outcome = "blocked"
	case x.Lines.Whole():
		out.Outcome = directory.OrderComplete
	}
	for _, l := range x.Lines {
		out.Lines = append(out.Lines, showLine(l))
	}
	for _, ref := range x.Alternatives {
		out.Alternatives = append(out.Alternatives, showRef(ref))
	}
	return r.json(http.StatusOK, out)
}

// crowd is how many people are alike to the rules.
type crowd struct {
	Presence []origin `json:"presence"`
	Active   bool     `json:"active"`
	People   int64    `json:"people"`
}

// mapRow is a product. Cells are in the order of the crowds; people counts the
// active ones by outcome.
type mapRow struct {
	Product reference        `json:"product"`
	Cells   []mapCell        `json:"cells"`
	People  map[string]int64 `json:"people"`
	Unlock  *unlock          `json:"unlock,omitempty"`
}

type mapCell struct {
	Outcome string         `json:"outcome"`
	Reasons map[string]int `json:"reasons,omitempty"`
}

// unlock is the one change that lets the most people have the whole product.
type unlock struct {
	Kind   string     `json:"kind"` // account, trust or group
	Detail string     `json:"detail"`
	Source *origin    `json:"source,omitempty"`
	Other  *origin    `json:"other,omitempty"` // trust: who is to be trusted
	Group  *reference `json:"group,omitempty"`
	People int64      `json:"people"`
}

func (s *Server) getCompatibilityMap(r *request) error {
	p, after, err := r.numbered()
	if err != nil {
		return err
	}
	crowds, rows, err := s.dir.CompatibilityMap(r.c.Request().Context(), r.actor, after, p.limit)
	if err != nil {
		return err
	}
	show := func(x directory.MapRow) mapRow { return showRow(x, crowds) }
	items, err := listed(p, rows, show, func(x directory.MapRow) []string { return []string{strconv.FormatInt(x.Product.RID, 10)} })
	if err != nil {
		return err
	}
	return r.json(http.StatusOK, struct {
		Crowds []crowd `json:"crowds"`
		listing[mapRow]
	}{showCrowds(crowds), items})
}

func showCrowds(all []reconcile.Crowd) []crowd {
	out := make([]crowd, len(all))
	for i, c := range all {
		out[i] = crowd{Presence: []origin{}, Active: c.Active, People: c.People}
		for _, s := range c.Presence {
			out[i].Presence = append(out[i].Presence, showOrigin(s))
		}
	}
	return out
}

func showRow(x directory.MapRow, crowds []reconcile.Crowd) mapRow {
	out := mapRow{Product: showRef(x.Product), Cells: []mapCell{}, People: map[string]int64{}}
	for i, c := range x.Cells {
		outcome := directory.OrderPartial
		switch {
		case c.Fits == c.Groups:
			outcome = directory.OrderComplete
		case c.Fits == 0:
			outcome = "blocked"
		}
		out.Cells = append(out.Cells, mapCell{Outcome: outcome, Reasons: maps.Clone(c.Reasons)})
		if crowds[i].Active {
			out.People[outcome] += crowds[i].People
		}
	}
	if u := x.Unlock; u != nil {
		out.Unlock = showUnlock(*u, x)
	}
	return out
}

func showUnlock(u reconcile.Change, x directory.MapRow) *unlock {
	source, other, group := showOrigin(u.Source), showOrigin(u.Other), showRef(x.Group)
	out := &unlock{Kind: u.Kind, People: x.Unlocked}
	switch u.Kind {
	case reconcile.ChangeTrust:
		out.Source, out.Other = &source, &other
		out.Detail = "Declare that " + source.Name + " trusts " + other.Name + "."
	case reconcile.ChangeGroup:
		out.Group = &group
		out.Detail = "Put another group in the place of " + group.Display + "."
	default:
		out.Source = &source
		out.Detail = "Give them an account in " + source.Name + "."
	}
	return out
}

// named reads a parameter that has to name a resource.
func (r *request) named(name string) (string, error) {
	v := r.c.QueryParam(name)
	if v == "" || len(v) > 64 {
		return "", problem{Status: http.StatusBadRequest, Code: "invalidValue", Attribute: name, Detail: "The parameter " + name + " is the id of a " + name + "."}
	}
	return v, nil
}
