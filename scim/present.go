package scim

import (
	"bytes"
	"strconv"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// presenter writes resources as clients read them: the stored document between
// its id and what is derived for it. Without a projection the document's bytes
// are copied as they are.
type presenter struct {
	base   string
	t      *schema.ResourceType
	set    *schema.Set
	p      *projection
	source func(id int64) (store.Source, error) // names a source; set before open
}

func (r *request) presenter() *presenter {
	p := &presenter{
		base: r.base, t: r.t, set: r.set,
		p: newProjection(r.t, r.query["attributes"], r.query["excludedAttributes"]),
	}
	if r.t.Kind == schema.Item && !r.s.dir.Enabled(r.actor.Tenant, directory.FeatureReconciliation) {
		p.p = p.p.without(r.t.Root.Sub("keepInSyncLabel")) // row A004: the choice isn't offered
	}
	return p
}

// wantsGroups says whether User.groups is part of the answer, wantsMembers the
// same of Group.members: otherwise nobody reads them.
func (p *presenter) wantsGroups() bool  { return p.p.wants(p.t.Groups) }
func (p *presenter) wantsMembers() bool { return p.p.wants(p.t.Members) }

// open appends the resource but for its members and the closing brace.
func (p *presenter) open(b []byte, rec *store.Record) ([]byte, error) {
	b = append(b, `{"id":`...)
	b = document.AppendString(b, rec.ID)
	b, err := p.document(b, rec)
	if err != nil {
		return nil, err
	}
	if len(rec.Groups) > 0 && p.wantsGroups() {
		b = p.groups(b, rec.Groups)
	}
	if p.p.wants(p.t.Origin) {
		if b, err = p.origin(b, rec); err != nil {
			return nil, err
		}
	}
	if p.p.wants(p.t.Meta) {
		b = p.meta(b, rec)
	}
	return b, nil
}

// document appends the document's fields, each led by a comma.
func (p *presenter) document(b []byte, rec *store.Record) ([]byte, error) {
	if p.p == nil {
		if inner := rec.Doc[1 : len(rec.Doc)-1]; len(inner) > 0 {
			b = append(append(b, ','), inner...)
		}
		return b, nil
	}
	// schemas stands first in the stored form and is always returned.
	if end := bytes.IndexByte(rec.Doc, ']'); end > 0 {
		b = append(append(b, ','), rec.Doc[1:end+1]...)
	}
	doc, err := document.MustDecode(p.t, rec.Doc)
	if err != nil {
		return nil, err
	}
	for _, f := range p.p.apply(doc).Fields() {
		b = append(append(b, ','), f.Attr.Quoted()...)
		b = document.AppendValue(b, f.Value)
	}
	return b, nil
}

// field appends "name":value to an object, if asked for.
func (p *presenter) field(b []byte, a *schema.Attribute, v string) []byte {
	if v == "" || !p.p.wants(a) {
		return b
	}
	if c := b[len(b)-1]; c != '{' {
		b = append(b, ',')
	}
	return document.AppendString(append(b, a.Quoted()...), v)
}

// groups appends User.groups, direct and indirect (RFC 7643 §4.1.2).
func (p *presenter) groups(b []byte, groups []store.Membership) []byte {
	g := p.t.Groups
	b = append(append(b, ','), g.Quoted()...)
	b = append(b, '[')
	for i, m := range groups {
		if i > 0 {
			b = append(b, ',')
		}
		kind := "indirect"
		if m.Direct {
			kind = "direct"
		}
		b = append(b, '{')
		b = p.field(b, g.Sub("value"), m.ID)
		b = p.field(b, g.Sub("$ref"), p.base+p.set.Group.Endpoint+"/"+m.ID)
		b = p.field(b, g.Sub("display"), m.Display)
		b = p.field(b, g.Sub("type"), kind)
		b = append(b, '}')
	}
	return append(b, ']')
}

// member appends one element of Group.members.
func (p *presenter) member(b []byte, m store.Member) []byte {
	a := p.t.Members
	t := p.set.OfKind(m.Kind)
	b = append(b, '{')
	b = p.field(b, a.Sub("value"), m.ID)
	b = p.field(b, a.Sub("$ref"), p.base+t.Endpoint+"/"+m.ID)
	b = p.field(b, a.Sub("type"), t.Name)
	b = p.field(b, a.Sub("display"), m.Display)
	return append(b, '}')
}

// meta appends the resource's metadata (RFC 7643 §3.1).
func (p *presenter) meta(b []byte, rec *store.Record) []byte {
	m := p.t.Meta
	b = append(append(b, ','), m.Quoted()...)
	b = append(b, '{')
	b = p.field(b, m.Sub("resourceType"), p.t.Name)
	if !p.t.Derived {
		b = p.field(b, m.Sub("created"), rec.CreatedAt.UTC().Format(document.TimeFormat))
		b = p.field(b, m.Sub("lastModified"), rec.ModifiedAt.UTC().Format(document.TimeFormat))
	}
	b = p.field(b, m.Sub("location"), p.base+p.t.Endpoint+"/"+rec.ID)
	if !p.t.Derived {
		b = p.field(b, m.Sub("version"), etag(rec.Version))
	}
	return append(b, '}')
}

// origin appends our Origin extension: whose values win, what follows from it,
// and which sources hold a link (docs/model.md).
func (p *presenter) origin(b []byte, rec *store.Record) ([]byte, error) {
	o := p.t.Origin
	b = append(append(b, ','), o.Quoted()...)
	b = append(b, '{')
	if a := o.Sub("authority"); p.p.wants(a) && rec.Authority != 0 {
		src, err := p.source(rec.Authority)
		if err != nil {
			return nil, err
		}
		b = p.origins(append(b, a.Quoted()...), a, src)
	}
	b = p.field(b, o.Sub("class"), rec.Class)
	if a := o.Sub("presence"); p.p.wants(a) && len(rec.Presence) > 0 {
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(append(b, a.Quoted()...), '[')
		for i, id := range rec.Presence {
			src, err := p.source(id)
			if err != nil {
				return nil, err
			}
			if i > 0 {
				b = append(b, ',')
			}
			b = p.origins(b, a, src)
		}
		b = append(b, ']')
	}
	return append(b, '}'), nil
}

func (p *presenter) origins(b []byte, a *schema.Attribute, s store.Source) []byte {
	b = append(b, '{')
	b = p.field(b, a.Sub("value"), s.PublicID)
	b = p.field(b, a.Sub("kind"), string(s.Kind))
	b = p.field(b, a.Sub("display"), s.Name)
	return append(b, '}')
}

// etag is the weak entity tag of a version (RFC 7644 §3.14).
func etag(version int64) string {
	return `W/"` + strconv.FormatInt(version, 10) + `"`
}
