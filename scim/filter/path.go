package filter

import (
	"strings"

	scimerrors "github.com/elimity-com/scim/errors"
	ast "github.com/scim2/filter-parser/v2"
)

// ParsePath reads the path of a PATCH operation (RFC 7644 §3.5.2, figure 7),
// strictly: name.familyName, members[value eq "x"], emails[type eq "work"].value,
// each with or without a schema's URN. An extension's URN alone is a path too:
// its last part comes as the attribute name, and schema.ResourceType.Find finds
// the extension.
//
// The error is a scimerrors.ScimError with status 400: invalidPath, or
// invalidFilter if the fault is in the filter between the brackets.
func ParsePath(s string) (ast.Path, error) { return ParsePathWith(s, Options{}) }

// ParsePathWith is ParsePath with repairs: RepairUnquotedOperand.
func ParsePathWith(s string, o Options) (ast.Path, error) {
	p := parser{lexer: lexer{s: s, noun: "path", fault: scimerrors.ScimTypeInvalidPath}, opts: o}
	var out ast.Path
	err := p.name(&out.AttributePath)
	if err != nil {
		return ast.Path{}, err
	}
	if p.tok.kind == '[' {
		if out.ValueExpression, err = p.brackets(); err != nil {
			return ast.Path{}, err
		}
		if p.tok.dotted() {
			sub, err := p.subAttribute()
			if err != nil {
				return ast.Path{}, err
			}
			out.SubAttribute = &sub
		}
	}
	if p.tok.kind != end {
		return ast.Path{}, p.unexpected("the end")
	}
	return out, nil
}

// ParseAttributePath reads one name of the parameters attributes,
// excludedAttributes and sortBy (RFC 7644 §3.10). The error is a
// scimerrors.ScimError with status 400 and scimType invalidValue.
func ParseAttributePath(s string) (ast.AttributePath, error) {
	p := parser{lexer: lexer{s: s, noun: "attribute name", fault: scimerrors.ScimTypeInvalidValue}}
	var out ast.AttributePath
	if err := p.name(&out); err != nil {
		return ast.AttributePath{}, err
	}
	if p.tok.kind != end {
		return ast.AttributePath{}, p.unexpected("the end")
	}
	return out, nil
}

// name reads the attribute path at the beginning of the input.
func (p *parser) name(out *ast.AttributePath) error {
	if err := p.start(); err != nil {
		return err
	}
	if p.tok.kind != word {
		return p.unexpected("an attribute name")
	}
	var err error
	if *out, err = p.attributePath(p.tok); err != nil {
		return err
	}
	return p.next()
}

// attributePath takes a word apart: [URN ":"] name ["." sub]. A URN has dots of
// its own; those of the name stand behind its last colon.
func (p *parser) attributePath(t token) (ast.AttributePath, error) {
	name := t.text
	var path ast.AttributePath
	if i := strings.LastIndexByte(name, ':'); i >= 0 {
		urn := name[:i]
		if !validURI(urn) {
			return path, p.fail(t.at, "%s is not the URN of a schema", quote(urn))
		}
		path.URIPrefix, name = &urn, name[i+1:]
	}
	if i := strings.IndexByte(name, '.'); i >= 0 {
		sub := name[i+1:]
		if !validName(sub) {
			return path, p.fail(t.at, "%s is not an attribute name", quote(t.text))
		}
		path.SubAttribute, name = &sub, name[:i]
	}
	if !validName(name) {
		return path, p.fail(t.at, "%s is not an attribute name", quote(t.text))
	}
	path.AttributeName = name
	return path, nil
}

// dotted says whether a token is the ".sub" behind a bracket.
func (t token) dotted() bool { return t.kind == word && t.text[0] == '.' }

// subAttribute passes over a dotted token and gives its name.
func (p *parser) subAttribute() (string, error) {
	sub := p.tok.text[1:]
	if !validName(sub) {
		return "", p.fail(p.tok.at, "%s is not a sub-attribute", quote(p.tok.text))
	}
	return sub, p.next()
}

// validName is ATTRNAME of RFC 7643 §2.1, which allows $ inside; $ref, which
// the RFC uses all the same, begins with it.
func validName(s string) bool {
	s = strings.TrimPrefix(s, "$")
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !letter(c) && (i == 0 || !digit(c) && c != '-' && c != '_' && c != '$') {
			return false
		}
	}
	return s != ""
}

// validURI takes the characters of schema URIs: those of RFC 8141 and of the
// http ones that Microsoft uses, without what a filter gives another meaning.
func validURI(s string) bool {
	if s == "" || s[0] == ':' || s[len(s)-1] == ':' || strings.Contains(s, "::") {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; !letter(c) && !digit(c) && strings.IndexByte(":-._~/%+", c) < 0 {
			return false
		}
	}
	return true
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func digit(c byte) bool { return '0' <= c && c <= '9' }
