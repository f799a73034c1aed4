package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/alecthomas/kong"
	kongyaml "github.com/alecthomas/kong-yaml"
	"gopkg.in/yaml.v3"
)

// configFile is a configuration file as kong asks it for values.
type configFile struct {
	kong.Resolver
	keys []string // the paths of its values, joined by hyphens
}

// loadConfig reads a configuration file.
func loadConfig(r io.Reader) (kong.Resolver, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	values, err := kongyaml.Loader(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	var tree map[string]any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	return &configFile{Resolver: values, keys: leaves("", tree)}, nil
}

// Resolve gives the file's value of a flag, unless the environment has one.
func (f *configFile) Resolve(c *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if _, ok := os.LookupEnv(name); ok {
			return nil, nil
		}
	}
	return f.Resolver.Resolve(c, parent, flag)
}

// Validate refuses a key that is no flag: a misspelt one would be passed over in
// silence.
func (f *configFile) Validate(a *kong.Application) error {
	known := map[string]bool{}
	var walk func(prefix string, n *kong.Node)
	walk = func(prefix string, n *kong.Node) {
		for _, flag := range n.Flags {
			known[prefix+flag.Name] = true
		}
		for _, child := range n.Children {
			walk(prefix+child.Name+"-", child)
		}
	}
	walk("", a.Node)
	for _, key := range f.keys {
		if !known[key] {
			return fmt.Errorf("config: there is no setting %q", key)
		}
	}
	return nil
}

// leaves gives the paths of all values of a tree, sorted.
func leaves(prefix string, tree map[string]any) []string {
	var all []string
	for key, value := range tree {
		if child, ok := value.(map[string]any); ok {
			all = append(all, leaves(prefix+key+"-", child)...)
			continue
		}
		all = append(all, prefix+key)
	}
	slices.Sort(all)
	return all
}
