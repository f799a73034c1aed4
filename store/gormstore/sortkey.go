package gormstore

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// sortKey gives the text by which a resource sorts; ok is false if it has no
// value.
func (l *lister) sortKey(rec *store.Record, o *document.Object) (key string, ok bool) {
	a := l.q.SortBy
	switch {
	case a.Backing == schema.InDocument:
		return documentKey(a, o)
	case a == l.q.Type.ID:
		return rec.ID, true
	case a == l.q.Type.Meta.Sub("created"):
		return timeKey(rec.CreatedAt), true
	case a == l.q.Type.Meta.Sub("lastModified"):
		return timeKey(rec.ModifiedAt), true
	case a == l.q.Type.Meta.Sub("version"):
		return fmt.Sprintf("%020d", rec.Version), true
	}
	return "", false
}

// documentKey takes, of a multi-valued attribute, the primary value or else the
// first (RFC 7644 §3.4.2.3).
func documentKey(a *schema.Attribute, o *document.Object) (string, bool) {
	p := a.Parent
	if p == nil || !p.MultiValued {
		v := o.At(a)
		if list, ok := v.(document.List); ok && len(list) > 0 {
			v = list[0]
		}
		return valueKey(a, v)
	}
	var chosen *document.Object
	list, _ := o.At(p).(document.List)
	for _, e := range list {
		element, _ := e.(*document.Object)
		if primary, _ := element.Get(p.Sub("primary")).(bool); primary || chosen == nil {
			chosen = element
			if primary {
				break
			}
		}
	}
	return valueKey(a, chosen.Get(a))
}

// valueKey writes a value so that texts sort as the values do.
func valueKey(a *schema.Attribute, v document.Value) (string, bool) {
	switch v := v.(type) {
	case string:
		if a.Type != schema.DateTime {
			return a.Key(v), true
		}
		if t, err := document.ParseTime(v); err == nil {
			return timeKey(t), true
		}
	case bool:
		return strconv.FormatBool(v), true // "false" is before "true"
	case document.Number:
		f, err := strconv.ParseFloat(string(v), 64)
		bits := math.Float64bits(f + 0) // -0 + 0 is 0
		// The bits of positive numbers sort as the numbers do, those of
		// negative ones the other way round.
		if bits>>63 == 0 {
			bits |= 1 << 63
		} else {
			bits = ^bits
		}
		return fmt.Sprintf("%016x", bits), err == nil
	}
	return "", false
}

func timeKey(t time.Time) string {
	return fmt.Sprintf("%016x%08x", uint64(t.Unix())^1<<63, t.Nanosecond())
}
