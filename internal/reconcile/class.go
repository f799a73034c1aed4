package reconcile

import (
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// The derived classes of users and groups (docs/model.md).
const (
	ClassOnPrem          = "onPrem"
	ClassCloudOnly       = "cloudOnly"
	ClassHybrid          = "hybrid"          // users only
	ClassDirectorySynced = "directorySynced" // groups only
	ClassCloudOwned      = "cloudOwned"      // groups only
	ClassManual          = "manual"
)

// Class derives the class of a resource from its authority and the sources
// that assert it.
func Class(t *schema.ResourceType, authority store.Source, live []Assertion) string {
	onPrem, cloud := false, false
	for _, a := range live {
		onPrem = onPrem || a.Source.Kind == store.SourceAD
		cloud = cloud || a.Source.Kind == store.SourceEntra
	}
	if t.Kind == schema.User {
		switch {
		case onPrem && cloud:
			return ClassHybrid
		case onPrem:
			return ClassOnPrem
		case cloud:
			return ClassCloudOnly
		}
		return ClassManual
	}
	switch authority.Kind {
	case store.SourceAD:
		if cloud {
			return ClassDirectorySynced
		}
		return ClassOnPrem
	case store.SourceEntra:
		if onPrem {
			return ClassCloudOwned
		}
		for _, a := range live {
			if a.Chosen && a.Source.ID == authority.ID {
				return ClassCloudOnly // whatever anchor it was born with
			}
			if a.Source.Kind == store.SourceEntra && fromDirectory(t, a) {
				return ClassDirectorySynced
			}
		}
		return ClassCloudOnly
	}
	return ClassManual
}

// fromDirectory says whether a cloud source's push carries an on-premises
// anchor: a security identifier, or an anchor that is not the cloud's own id
// for the group, which is what it sends as externalId (row H036).
func fromDirectory(t *schema.ResourceType, a Assertion) bool {
	if a.Doc.Text(t.Anchor.Parent.Sub("originSid")) != "" {
		return true
	}
	anchor := a.Doc.Text(t.Anchor)
	return anchor != "" && anchor != a.Doc.Text(t.ExternalID)
}
