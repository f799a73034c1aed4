package main

import (
	"encoding/json"
	"errors"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/internal/agent"
)

// newConnector makes the connector of the agent for a configuration. It is the
// one place where a connector is named.
func newConnector(json.RawMessage, agent.LocalConfig) (connectors.Source, error) {
	return nil, errors.New("this build has no connector for Active Directory: use one that is built with connectors/ad")
}
