package main

import (
	"fmt"
	"net/url"
	"strconv"
)

// person is one made-up user. Everything about it follows from its number, and
// numbers that follow each other give names that don't, as in life: rows that
// arrive in the order of their keys are cheaper to index.
type person struct {
	number uint64
	h      uint64
}

func personOf(number int) person {
	return person{uint64(number), mix(uint64(number))}
}

// mix is the finalizer of SplitMix64: one to one, and without order.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

const (
	domain     = "contoso.example"
	mailDomain = "mail.contoso.example"
)

func given(h uint64) string {
	return [...]string{"Ines", "Ada", "Tariq", "Mei", "Olumide", "Sofia", "Jonas", "Priya"}[h>>8%8]
}

func family(h uint64) string {
	return [...]string{"Okafor", "Lindqvist", "Haddad", "Nakamura", "Moreau", "Petrova", "Silva", "Keller"}[h>>16%8]
}

func (p person) local() string {
	return family(p.h)[:1] + strconv.FormatUint(p.h, 36)
}

func (p person) userName() string { return p.local() + "@" + domain }

func (p person) mail() string { return p.local() + "@" + mailDomain }

func (p person) externalID() string {
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", p.h>>32, p.h>>16&0xffff, p.h&0xfff, p.h>>12&0xfff, mix(p.h)&0xffffffffffff)
}

// appendBody appends the user as Entra's default mapping sends it, about 1 KB.
func (p person) appendBody(b []byte) []byte {
	g, f := given(p.h), family(p.h)
	return fmt.Appendf(b, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],`+
		`"externalId":%q,"userName":%q,"active":true,"displayName":"%s %s","title":"Senior Cartographer","preferredLanguage":"en-IE",`+
		`"name":{"formatted":"%[3]s %[4]s","familyName":%[4]q,"givenName":%[3]q},`+
		`"emails":[{"primary":true,"type":"work","value":%[5]q}],`+
		`"phoneNumbers":[{"type":"work","value":"+353 1 555 %04[6]d"},{"type":"mobile","value":"+353 87 555 %04[6]d"}],`+
		`"addresses":[{"type":"work","formatted":"12 Harbour Road","streetAddress":"12 Harbour Road","locality":"Dublin","region":"Leinster","postalCode":"D02 X285","country":"IE"}],`+
		`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"%[7]d","department":"Hydrographic Survey","costCenter":"4711","organization":"Contoso Maritime","division":"Field Operations"}}`,
		p.externalID(), p.userName(), g, f, p.mail(), p.h%10_000, 100_000+p.number)
}

// filterPath is the path of a look-up by one value.
func filterPath(attribute, value string) string {
	return scimUsers + "?filter=" + url.QueryEscape(attribute+` eq "`+value+`"`)
}
