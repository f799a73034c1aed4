package api

import (
	"fmt"
	"net/http"
	"net/url"
)

// operation is what the OpenAPI document says of a method of a route.
type operation struct {
	query  map[string]bool // the parameters that it takes
	reads  bool            // it is a GET
	dryRun bool            // dryRun is one of them
}

// parameters refuses what an operation doesn't take, and takes over dryRun for
// all that write: the actor carries it, and what the core writes for that actor
// is rolled back. What isn't described takes nothing.
func (r *request) parameters(op operation) error {
	q, err := url.ParseQuery(r.c.Request().URL.RawQuery)
	if err != nil {
		return problem{Status: http.StatusBadRequest, Code: "invalidQuery", Detail: "The query string can't be read."}
	}
	for name, values := range q {
		switch {
		case name == "dryRun" && !op.dryRun && !op.reads:
			return problem{Status: http.StatusBadRequest, Code: "noDryRun", Attribute: "dryRun", Detail: "This changes nothing, so there is no dry run of it.", Way: "Leave dryRun out."}
		case !op.query[name]:
			return problem{Status: http.StatusBadRequest, Code: "unknownField", Attribute: name, Detail: fmt.Sprintf("There is no parameter %.100q.", name)}
		case len(values) > 1:
			return problem{Status: http.StatusBadRequest, Code: "invalidQuery", Attribute: name, Detail: fmt.Sprintf("The parameter %.100q is given twice.", name)}
		}
	}
	if !q.Has("dryRun") {
		return nil
	}
	switch q.Get("dryRun") {
	case "true":
		r.actor.DryRun = true
	case "false":
	default:
		return problem{Status: http.StatusBadRequest, Code: "invalidValue", Attribute: "dryRun", Detail: "dryRun is true or false."}
	}
	return nil
}
