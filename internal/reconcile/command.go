package reconcile

import (
	"strings"
	"unicode"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/store"
)

// Identity is how a directory knows a user or group; "" for what isn't known.
type Identity struct {
	Source     store.Source // the directory that it is in
	ExternalID string
	Anchor     string
	SAMAccount string // sAMAccountName
	SID        string // originSid
	UserName   string // of a user: the userPrincipalName, as Entra ID is mapped by default
}

// Command gives the command that makes member a member of group in the directory
// that owns it, "" where it can't be said for sure: it isn't known what the
// directory calls one of them, or it takes another tool. The verdict on them must
// be compatible.
func Command(g Group, group, member Identity) string {
	switch {
	case g.Authority.Kind == store.SourceAD:
		return activeDirectory(group, member)
	case g.Authority.Kind == store.SourceEntra && g.Class == ClassDirectorySynced:
		return bySID(group, member)
	case g.Authority.Kind == store.SourceEntra && !g.mailEnabled():
		return graph(group, member)
	}
	return ""
}

// activeDirectory is Add-ADGroupMember, whose -Identity and -Members take an
// objectGUID or a sAMAccountName (Microsoft, module ActiveDirectory). The GUID
// stays right when somebody is renamed. Who is in another domain has to be
// looked up there.
func activeDirectory(group, member Identity) string {
	g, m := objectName(group), objectName(member)
	if g == "" || m == "" {
		return ""
	}
	at := server(group.Source)
	if group.Source.ID == member.Source.ID {
		return "Add-ADGroupMember -Identity " + g + " -Members " + m + at
	}
	there := server(member.Source)
	if at == "" || there == "" {
		return ""
	}
	return "Add-ADGroupMember -Identity " + g + " -Members (Get-ADUser -Identity " + m + there + ")" + at
}

// objectName is by what Active Directory finds an object, quoted; "" for unknown.
func objectName(x Identity) string {
	if id, ok := objectID(x.Anchor); ok {
		return quote(id)
	}
	return quote(x.SAMAccount)
}

// server says in which domain a command is meant, " -Server 'contoso.com'"; ""
// if it isn't known.
func server(s store.Source) string {
	if !strings.Contains(s.DirectoryDomain, ".") {
		return ""
	}
	return " -Server " + quote(s.DirectoryDomain)
}

// bySID is for a group of a domain that isn't known: where both have a security
// identifier of one domain, that names them.
func bySID(group, member Identity) string {
	g, m := strings.LastIndexByte(group.SID, '-'), strings.LastIndexByte(member.SID, '-')
	if g <= 0 || m <= 0 || !strings.EqualFold(group.SID[:g], member.SID[:m]) || !strings.HasPrefix(strings.ToUpper(group.SID), "S-1-5-21-") {
		return ""
	}
	gs, ms := quote(group.SID), quote(member.SID)
	if gs == "" || ms == "" {
		return ""
	}
	return "Add-ADGroupMember -Identity " + gs + " -Members " + ms
}

// graph adds a member by Microsoft Graph. Entra ID sends a group's object id as
// its externalId, and of a user mostly not (the default is mailNickname): then
// the user is looked up by its userPrincipalName. That of a guest is sent without
// #EXT#, so it finds nobody; the command then fails and changes nothing.
func graph(group, member Identity) string {
	g, ok := objectID(group.ExternalID)
	if !ok || group.Source.ID != member.Source.ID {
		return ""
	}
	if m, ok := objectID(member.ExternalID); ok {
		return `POST https://graph.microsoft.com/v1.0/groups/` + g + `/members/$ref {"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/` + m + `"}`
	}
	upn := quote(member.UserName)
	if upn == "" || !strings.Contains(upn, "@") || strings.Contains(upn, "#") {
		return ""
	}
	return "New-MgGroupMember -GroupId " + quote(g) + " -DirectoryObjectId (Get-MgUser -UserId " + upn + ").Id"
}

// objectID reads an objectGUID or object id in the text of RFC 4122.
func objectID(s string) (string, bool) {
	if len(s) != 36 {
		return "", false
	}
	id, err := uuid.Parse(s)
	return id.String(), err == nil
}

// quote makes a PowerShell literal of a text, in which nothing is expanded: each
// single quotation mark is doubled, the typographic ones too, which PowerShell
// takes for it (about_Quoting_Rules). It is "" for what no name holds: nothing,
// and characters that can't be seen.
func quote(s string) string {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ""
	}
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range s {
		if strings.ContainsRune("'\u2018\u2019\u201a\u201b", r) {
			b.WriteRune(r)
		}
		b.WriteRune(r)
	}
	b.WriteByte('\'')
	return b.String()
}
