package cliconfig

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	kongyaml "github.com/alecthomas/kong-yaml"
	"gopkg.in/yaml.v3"
)

// maxFile is how many bytes a configuration file has at most.
const maxFile = 1 << 20

// File is a flag that names a YAML file with flags' names as keys, those of a
// command under its name. A flag of the command line wins over the environment,
// that over the file, and the file over the default. A key that is no flag is
// refused by its name, because a misspelt one would be passed over in silence. A
// relative path in the file is of the file's directory.
type File string

// BeforeResolve fulfils kong: it has the file asked for values.
func (File) BeforeResolve(ctx *kong.Context, trace *kong.Path) error {
	name, ok := ctx.FlagValue(trace.Flag).(File)
	if !ok || name == "" {
		return nil
	}
	v, err := read(string(name))
	if err != nil {
		return err
	}
	ctx.AddResolver(v)
	return nil
}

// Read fills a struct of flags from a file alone, as File does it for a program.
// into is a pointer to the struct.
func Read(name string, into any) error {
	v, err := read(name)
	if err != nil {
		return err
	}
	parser, err := kong.New(into, kong.Name(filepath.Base(name)), kong.NoDefaultHelp(), kong.Resolvers(v))
	if err != nil {
		return fmt.Errorf("config: %w", err)
	}
	_, err = parser.Parse(nil)
	return err
}

// values are a configuration file as kong asks it for values.
type values struct {
	kong.Resolver
	name string   // absolute
	keys []string // the paths of its values, joined by hyphens
}

func read(name string) (*values, error) {
	name = kong.ExpandPath(name) // absolute
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = errors.New("it has more than 1 MiB")
	}
	if err != nil {
		return nil, fmt.Errorf("config: %s: %w", name, err)
	}
	resolver, err := kongyaml.Loader(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("config: %s: %w", name, err)
	}
	var tree map[string]any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return nil, fmt.Errorf("config: %s: %w", name, err)
	}
	return &values{Resolver: resolver, name: name, keys: leaves("", tree)}, nil
}

// Resolve gives the file's value of a flag, unless the environment has one.
func (f *values) Resolve(c *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if _, ok := os.LookupEnv(name); ok {
			return nil, nil
		}
	}
	value, err := f.Resolver.Resolve(c, parent, flag)
	if err != nil || flag.Tag.Type != "path" {
		return value, err
	}
	return f.paths(value), nil
}

// paths makes relative paths those of the file's directory.
func (f *values) paths(value any) any {
	switch v := value.(type) {
	case string:
		if v != "" && !filepath.IsAbs(v) && !strings.HasPrefix(v, "~/") {
			return filepath.Join(filepath.Dir(f.name), v)
		}
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = f.paths(v[i])
		}
		return out
	}
	return value
}

// Validate refuses a key that is no flag.
func (f *values) Validate(a *kong.Application) error {
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
			return fmt.Errorf("config: %s: there is no setting %q", f.name, key)
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
