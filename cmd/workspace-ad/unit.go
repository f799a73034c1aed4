package main

import (
	"fmt"
	"strings"
)

// unit is a systemd unit (systemd.service(5), systemd.exec(5)) that runs the
// agent. It may read its files, talk to the network, and nothing else.
func unit(executable string, arguments []string, user string) (string, error) {
	command := make([]string, 0, len(arguments)+1)
	for _, word := range append([]string{executable}, arguments...) {
		quoted, err := unitWord(word)
		if err != nil {
			return "", err
		}
		command = append(command, quoted)
	}
	account, err := unitWord(user)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(unitText, strings.Join(command, " "), strings.Trim(account, `"`)), nil
}

// unitWord quotes a word of a command line in a unit: % begins a specifier, $ a
// variable, and a backslash an escape (systemd.service(5), "Command lines").
func unitWord(s string) (string, error) {
	if strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f }) || strings.Contains(s, "{{") {
		return "", fmt.Errorf("%q can't stand in a unit", s)
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%", "$", "$$").Replace(s) + `"`, nil
}

// unitText is the unit without command and user. The agent writes no file while
// it runs. It ends within 10 s of SIGTERM.
const unitText = `[Unit]
Description=Workspace agent for Active Directory
Documentation=https://github.com/workspace-scim/workspace/blob/main/docs/ad.md
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart=%s
User=%s
Restart=always
RestartSec=5
TimeoutStopSec=15

NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
UMask=0077

[Install]
WantedBy=multi-user.target
`
