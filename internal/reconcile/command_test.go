package reconcile

import (
	"testing"

	"github.com/workspace-scim/workspace/store"
)

func TestCommand(t *testing.T) {
	const (
		groupID = "6f1c0000-0000-4000-8000-000000000001"
		userID  = "6f1c0000-0000-4000-8000-000000000002"
		sid     = "S-1-5-21-1-2-3-"
	)
	domain := func(s store.Source, name string) store.Source {
		s.DirectoryDomain = name
		return s
	}
	corp, eu := domain(ad1, "corp.contoso.com"), domain(ad2, "eu.contoso.com")
	onPrem, inCloud := owned(ad1, ClassOnPrem), owned(cloud, ClassCloudOnly)
	listed := inCloud
	listed.Type = "Distribution"
	for _, c := range []struct {
		name          string
		g             Group
		group, member Identity
		want          string
	}{
		{"by objectGUID", onPrem, Identity{Source: ad1, Anchor: groupID, SAMAccount: "Sales"}, Identity{Source: ad1, Anchor: userID},
			"Add-ADGroupMember -Identity '" + groupID + "' -Members '" + userID + "'"},
		{"by name, quoted for PowerShell", onPrem, Identity{Source: ad1, SAMAccount: "O'Neil’s $(calc)"}, Identity{Source: ad1, SAMAccount: "`u;\"1"},
			"Add-ADGroupMember -Identity 'O''Neil’’s $(calc)' -Members '`u;\"1'"},
		{"in its domain", onPrem, Identity{Source: corp, SAMAccount: "Sales"}, Identity{Source: corp, SAMAccount: "anna"},
			"Add-ADGroupMember -Identity 'Sales' -Members 'anna' -Server 'corp.contoso.com'"},
		{"a member of another domain", onPrem, Identity{Source: corp, SAMAccount: "Sales"}, Identity{Source: eu, Anchor: userID},
			"Add-ADGroupMember -Identity 'Sales' -Members (Get-ADUser -Identity '" + userID + "' -Server 'eu.contoso.com') -Server 'corp.contoso.com'"},
		{"a member of a domain without a name", onPrem, Identity{Source: corp, SAMAccount: "Sales"}, Identity{Source: ad2, Anchor: userID}, ""},
		{"a name with a line break", onPrem, Identity{Source: ad1, SAMAccount: "Sales\nrm"}, Identity{Source: ad1, SAMAccount: "anna"}, ""},
		{"an unknown member", onPrem, Identity{Source: ad1, SAMAccount: "Sales"}, Identity{Source: ad1, Anchor: "not a guid"}, ""},

		{"by object ids", inCloud, Identity{Source: cloud, ExternalID: groupID}, Identity{Source: cloud, ExternalID: userID, UserName: "anna@contoso.com"},
			`POST https://graph.microsoft.com/v1.0/groups/` + groupID + `/members/$ref {"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/` + userID + `"}`},
		{"by userPrincipalName", inCloud, Identity{Source: cloud, ExternalID: groupID}, Identity{Source: cloud, ExternalID: "anna", UserName: "anna.o'neil@contoso.com"},
			"New-MgGroupMember -GroupId '" + groupID + "' -DirectoryObjectId (Get-MgUser -UserId 'anna.o''neil@contoso.com').Id"},
		{"a user without a UPN", inCloud, Identity{Source: cloud, ExternalID: groupID}, Identity{Source: cloud, ExternalID: "anna", UserName: "anna"}, ""},
		{"a group without its object id", inCloud, Identity{Source: cloud, ExternalID: "sales"}, Identity{Source: cloud, ExternalID: userID}, ""},
		{"a user of another tenant", inCloud, Identity{Source: cloud, ExternalID: groupID}, Identity{Source: other, ExternalID: userID}, ""},
		{"a distribution list", listed, Identity{Source: cloud, ExternalID: groupID}, Identity{Source: cloud, ExternalID: userID}, ""},

		{"a synchronised group by its SID", owned(cloud, ClassDirectorySynced), Identity{Source: cloud, SID: sid + "500"}, Identity{Source: ad1, SID: sid + "1104"},
			"Add-ADGroupMember -Identity '" + sid + "500' -Members '" + sid + "1104'"},
		{"of another domain by its SID", owned(cloud, ClassDirectorySynced), Identity{Source: cloud, SID: sid + "500"}, Identity{Source: ad1, SID: "S-1-5-21-1-2-4-1104"}, ""},
		{"without a SID", owned(cloud, ClassDirectorySynced), Identity{Source: cloud}, Identity{Source: ad1}, ""},
		{"made by hand", owned(hand, ClassManual), Identity{Source: hand}, Identity{Source: hand}, ""},
	} {
		if got := Command(c.g, c.group, c.member); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}
