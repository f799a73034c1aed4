package expression

import (
	"strings"
)

var listFunctions = []Function{
	{Name: "Count", Parameters: "attribute", Meaning: "How many values it has: 0 for null, 1 for a single one.", least: 1, most: 1,
		do: func(_ *run, a arguments) (any, error) { return len(a.list(0)), nil }},
	{Name: "Item", Parameters: "attribute, index", Meaning: "That value of a list, from 1. Null if there are fewer.", least: 2, most: 2, do: item},
	{Name: "Join", Parameters: "separator, source1, source2, …", Meaning: "All values with the separator in between, of a list each. What is null or empty is left out.", least: 2, most: -1, do: join},
	{Name: "RemoveDuplicates", Parameters: "attribute", Meaning: "The values of a list, each once, in their order, compared with their case. Null stays null.", least: 1, most: 1, do: distinct},
	{Name: "SingleAppRoleAssignment", Parameters: "[appRoleAssignments]", Meaning: "The name of the one role in a list of roles, which are text or have a displayName or a value. Several are an error; none gives null.", least: 1, most: 1, do: singleRole},
	{Name: "Split", Parameters: "source, delimiter", Meaning: "The list of what stands between the delimiters, without blanks around it. Null stays null.", least: 2, most: 2, do: split},
}

func item(_ *run, a arguments) (any, error) {
	i, err := integer(a.at(1), "index")
	if err != nil {
		return nil, err
	}
	all := a.list(0)
	switch {
	case i < 1:
		return nil, failed("index counts from 1")
	case i > len(all):
		return nil, nil
	}
	return all[i-1], nil
}

func join(_ *run, a arguments) (any, error) {
	separator, err := a.plain(0)
	if err != nil {
		return nil, err
	}
	var parts []string
	size := 0
	for i := 1; i < len(a); i++ {
		for _, v := range a.list(i) {
			s, err := text(v)
			if err != nil {
				return nil, err
			}
			if s == nil || *s == "" {
				continue
			}
			// Before anything is made of it: the parts may be one text many times.
			if size += len(*s) + len(separator); size > MaxText+len(separator) {
				return nil, failed("the text has more than %d bytes", MaxText)
			}
			parts = append(parts, *s)
		}
	}
	if parts == nil {
		return nil, nil
	}
	return strings.Join(parts, separator), nil
}

func distinct(_ *run, a arguments) (any, error) {
	if a.at(0) == nil {
		return nil, nil
	}
	var all []any
	seen := map[string]bool{}
	for _, v := range a.list(0) {
		s, err := text(v)
		if err != nil {
			return nil, err
		}
		if s == nil || seen[*s] {
			continue
		}
		seen[*s] = true
		all = append(all, v)
	}
	return all, nil
}

func singleRole(_ *run, a arguments) (any, error) {
	all := a.list(0)
	switch len(all) {
	case 0:
		return nil, nil
	case 1:
		if o, ok := all[0].(map[string]any); ok {
			for _, name := range []string{"displayname", "display", "value"} {
				if s, err := text(o[name]); err == nil && s != nil {
					return *s, nil
				}
			}
			return nil, nil
		}
		return all[0], nil
	}
	return nil, failed("there are %d roles, and one is wanted; a direct flow brings a list of them", len(all))
}

func split(_ *run, a arguments) (any, error) {
	s, err := a.text(0)
	if err != nil || s == nil {
		return nil, err
	}
	delimiter, err := a.plain(1)
	if err != nil {
		return nil, err
	}
	if delimiter == "" {
		return nil, failed("there is no delimiter")
	}
	if strings.Count(*s, delimiter) >= MaxItems {
		return nil, failed("the list has more than %d values", MaxItems)
	}
	var all []any
	for _, part := range strings.Split(*s, delimiter) {
		all = append(all, strings.TrimSpace(part))
	}
	return all, nil
}
