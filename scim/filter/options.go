package filter

// The repairs: forms that the RFCs forbid but that clients send. Each is asked
// for by its id (Options.Repair).
const (
	// RepairUnquotedOperand takes `name.familyName eq Employee` as if Employee
	// stood in quotes, and a whole number compared with a string as its digits.
	// Microsoft's Postman collection for SCIM sends such filters.
	RepairUnquotedOperand = "unquoted-operand"
	// RepairTextBoolean takes `primary eq "True"`, in any case, as the boolean:
	// Entra ID's mappings write booleans as text.
	RepairTextBoolean = "text-boolean"
	// RepairUnqualifiedEnterprise finds `manager` and `department` in the
	// enterprise extension where the core schema doesn't have them: Entra ID
	// asks `id eq "X" and manager eq "Y"`.
	RepairUnqualifiedEnterprise = "unqualified-enterprise"
)

// Options says which repairs are made. The zero value is strict.
type Options struct {
	// Repair is called with a repair's id each time that the input can only be
	// accepted by it, and returns whether it may be; so a call that returns
	// true is one use. Nil means never.
	Repair func(id string) bool
}

func (o Options) repairs(id string) bool { return o.Repair != nil && o.Repair(id) }
