package main

import (
	"fmt"
	"runtime/debug"
)

// version is set by the linker in a release (-X main.version=v1.2.3).
var version string

// VersionCmd prints the version.
type VersionCmd struct{}

// Run fulfils kong.
func (c *VersionCmd) Run(p *program) error {
	info, _ := debug.ReadBuildInfo()
	goVersion := ""
	if info != nil {
		goVersion = " (" + info.GoVersion + ")"
	}
	fmt.Fprintf(p.stdout, "workspace %s%s\n", buildVersion(), goVersion)
	return nil
}

// buildVersion is the release, or what Go knows of the checkout.
func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
