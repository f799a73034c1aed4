// Package expression is the language in which a mapping says how a value is made
// of a record: the syntax and the functions of Microsoft Entra ID's attribute
// mappings, on top of github.com/expr-lang/expr, which parses, checks and runs
// it. docs/mapping.md tells its users what it does.
//
// An expression goes three ways. [Compile] turns Entra's spelling into that of
// the library (translate.go), lets the library parse it, and replaces every
// operator by a function of ours (compile.go), because the library's operators
// refuse null and compare types where Entra compares text. [Program.Evaluate]
// then runs it on a [Record].
//
// There are no loops, no variables and no way to call anything but the functions
// of the table: each node of an expression is worked out at most once, and what
// it makes is counted against a budget. So every expression ends soon, whatever
// it says. The same expression, record and [Environment] give the same result.
package expression
