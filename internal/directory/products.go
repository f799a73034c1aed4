package directory

import (
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// offer is a product as it is judged for somebody: with what it brings, and the
// products that it names as alternatives.
type offer struct {
	store.Resource
	is           sketch
	alternatives []offer
}

// offer reads a product, and its alternatives if asked for; store.ErrNotFound if
// there is none.
func (a *assessor) offer(id string, alternatives bool) (offer, error) {
	found, err := a.offers(id)
	if err != nil {
		return offer{}, err
	}
	if len(found) == 0 {
		return offer{}, store.ErrNotFound
	}
	o := found[0]
	if alternatives {
		o.alternatives, err = a.offers(valuesOf(o.is.Alternatives)...)
	}
	return o, err
}

// offers reads products, those that are there.
func (a *assessor) offers(ids ...string) ([]offer, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	all, err := a.r.Resources(a.tenant, ids)
	if err != nil {
		return nil, err
	}
	var out []offer
	for _, res := range all {
		if res.Kind != schema.Product || !res.State.Visible() {
			continue
		}
		s, err := sketchOf(res.Doc)
		if err != nil {
			return nil, err
		}
		out = append(out, offer{Resource: res, is: s})
	}
	return out, nil
}

// targets reads the groups and items of products, by their ids.
func (a *assessor) targets(offers ...offer) (map[string]store.Resource, error) {
	var ids []string
	for _, o := range offers {
		ids = append(append(ids, valuesOf(o.is.Groups)...), valuesOf(o.is.Items)...)
	}
	out := make(map[string]store.Resource, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	all, err := a.r.Resources(a.tenant, ids)
	for _, res := range all {
		out[res.ID] = res
	}
	return out, err
}

func valuesOf(refs []pointedAt) []string {
	out := make([]string, len(refs))
	for i, ref := range refs {
		out[i] = ref.Value
	}
	return out
}

// assess judges a product for a person: its lines, and the alternatives of which
// all groups fit (row H042). The rows of what it looks at are locked in an Update.
func (a *assessor) assess(o offer, p person) (Lines, []offer, error) {
	targets, err := a.targets(append([]offer{o}, o.alternatives...)...)
	if err != nil {
		return nil, nil, err
	}
	lines, err := a.lines(o.is, p, targets)
	if err != nil {
		return nil, nil, err
	}
	var fit []offer
	for _, alternative := range o.alternatives {
		other, err := a.lines(alternative.is, p, targets)
		if err != nil {
			return nil, nil, err
		}
		if fits, groups := other.groups(); fits == groups && alternative.ID != o.ID {
			fit = append(fit, alternative)
		}
	}
	return lines, fit, nil
}
