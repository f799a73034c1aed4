package dialect

// The ids of the repairs: they are the names of counters and of rows in
// docs/compatibility.md, so they don't change. What each one fires on, and what
// a strict reading says instead, stands here; who needs it stands in All.
const (
	// TextBoolean reads "True" and "false", in any case, as the boolean, for a
	// boolean attribute or the operand compared with one. Strict: invalidValue
	// or invalidFilter. Other words stay refused.
	TextBoolean = "text-boolean"
	// TextNumber reads "12" as the number, for an integer or decimal attribute.
	// Strict: invalidValue.
	TextNumber = "text-number"
	// EmptyClears reads "" as unassigned, for any attribute but the members of a
	// group. For strings this is an exception: a strict reading would store the
	// empty string. But no attribute of ours has a use for one, Entra ID clears
	// attributes by it, and uploads of HR tools send it for what they don't know.
	EmptyClears = "empty-clears"
	// NullClears reads null as the whole value of an add or replace as
	// unassigned; a multi-valued attribute's add of null adds nothing. Strict:
	// invalidValue, a value is missing (RFC 7644 §3.5.2.1).
	NullClears = "null-clears"
	// OpCase reads op in any case. Strict: invalidSyntax.
	OpCase = "op-case"
	// DottedKey reads the key "name.givenName" of a value without path as the
	// sub-attribute. Strict: invalidPath, for no attribute name has a dot.
	DottedKey = "dotted-key"
	// URNKey reads the key "urn:…:User:department" of a value without path as
	// the attribute, and the core schema's URN, there and in a whole resource, as
	// a container of attributes. In a resource an attribute that stands at the top
	// too is the one that counts. Strict: invalidPath; in a resource invalidSyntax.
	URNKey = "urn-key"
	// FilteredKey reads the key `emails[type eq "work"].value` of a value
	// without path as a path. Strict: invalidPath.
	FilteredKey = "filtered-key"
	// RemoveWithValue reads the value of a remove as the values to remove and
	// leaves the others. Strict: invalidValue, a remove has no value (RFC 7644
	// §3.5.2.2).
	RemoveWithValue = "remove-with-value"
	// CreateTypedElement makes the element that a value filter asks for from its
	// eq terms, where none matches and a part of it is set; a replace makes no
	// primary one. Strict: noTarget.
	CreateTypedElement = "create-typed-element"
	// MemberString reads a member that is a string as {"value": …}. Strict:
	// invalidValue.
	MemberString = "member-string"
	// ManagerString reads a string as {"value": …}, for a single-valued complex
	// attribute that has a value. Strict: invalidValue.
	ManagerString = "manager-string"
	// MemberRef gives a member that has a $ref and no value the id that ends the
	// $ref: …/Users/ID, …/Groups/ID. Strict: invalidValue.
	MemberRef = "member-ref"
	// ManagerList reads a list of one as its element, for single-valued complex
	// attributes, extensions, and a value without path. Strict: invalidValue.
	ManagerList = "manager-list"
	// SingleAsList reads one object as a list of one, for a multi-valued complex
	// attribute. Strict: invalidValue.
	SingleAsList = "single-as-list"
	// RolesJSON takes apart a role whose value is the JSON text of an app role:
	// an object with the strings id and displayName. This is an exception: a
	// strict reading would store the text. But the same client sends the same
	// role in parts when it creates a user, so the text would be a second role.
	RolesJSON = "roles-json"
	// ReferenceURI percent-encodes what a link holds and a URI must not. Strict:
	// invalidValue.
	ReferenceURI = "reference-uri"
	// UnqualifiedEnterprise finds an attribute of the enterprise extension by
	// its bare name in a path or a filter. Strict: invalidPath, invalidFilter.
	UnqualifiedEnterprise = "unqualified-enterprise"
	// UnquotedOperand reads a word without quotes as the string operand of a
	// filter. Strict: invalidFilter.
	UnquotedOperand = "unquoted-operand"
	// CustomAttribute lets a path name an attribute that the tenant has not
	// declared, in an extension of the form that schema.CustomURN knows. Strict:
	// invalidPath. In a value without path this is an exception: a strict reading
	// would ignore the attribute, as any unknown one, and a value that an
	// administrator mapped would be lost without a word.
	CustomAttribute = "custom-attribute"
	// SchemasAbsent accepts a body without schemas. Strict: invalidValue.
	SchemasAbsent = "schemas-absent"
	// SchemasCase compares the URNs in schemas without regard to case. Strict:
	// invalidValue.
	SchemasCase = "schemas-case"
	// UnknownSchemaURN passes over a URN in schemas that the resource type
	// doesn't have, next to the one of its core schema. Strict: invalidValue.
	UnknownSchemaURN = "unknown-schema-urn"
	// StrayPercent keeps a percent sign of the query that no two hexadecimal
	// digits follow. Strict: 400.
	StrayPercent = "stray-percent"
	// SearchText reads, in the body of a search, "12" as a number and a text as a
	// list of names. Strict: invalidSyntax.
	SearchText = "search-text"
)

// Repair describes one repair.
type Repair struct {
	ID     string
	Client string // who sends it
	Since  string // the month we learnt of it: 2026-11
	Source string // where it is written or was seen
	Why    string // what would fail without it
}

// Short names of the sources.
const (
	useSCIM   = "MicrosoftDocs/entra-docs use-scim-to-provision-users-and-groups.md"
	flag      = "MicrosoftDocs/entra-docs application-provisioning-config-problem-scim-compatibility.md"
	customize = "MicrosoftDocs/entra-docs customize-application-attributes.md"
	workflow  = "AzureAD/SCIMReferenceCode SCIMTests_Workflow.json"
	postman   = "AzureAD/SCIMReferenceCode PostmanCollection.json"
	scimSDK   = "Captain-P-Goldfish/SCIM-SDK scim-sdk-client 1.30.0"
)

// All lists every repair, in the order of docs/compatibility.md. The slice is
// the caller's.
func All() []Repair {
	return []Repair{
		{TextBoolean, "Entra ID", "2026-11", flag, "Without the flag aadOptscim062020 Entra disables accounts by \"False\", and compares roles[primary eq \"True\"]."},
		{TextNumber, "Entra ID", "2026-11", customize, "Inferred: Entra's mapping functions yield text, also for custom attributes that are numbers."},
		{EmptyClears, "Entra ID", "2026-11", workflow, "Microsoft's validation clears attributes, the manager too, by an empty string."},
		{NullClears, "Entra ID", "2026-11", workflow, "Microsoft's validation clears attributes by null."},
		{OpCase, "Entra ID", "2026-11", useSCIM, "Entra writes Add, Replace, Remove, and asks not to compare them with case."},
		{DottedKey, "Entra ID with aadOptscim062020", "2026-11", flag, "Entra puts several attributes into one value without path, name.givenName among them."},
		{URNKey, "Entra ID with aadOptscim062020", "2026-11", flag, "The same, for attributes of extensions. Servers such as scim.dev put core attributes under their URN, and so do scripts written for them."},
		{FilteredKey, "Entra ID with aadOptscim062020", "2026-11", "elimity-com/scim internal/patch/patch.go, which reads every key as a path", "Microsoft's text keeps filtered paths apart, but published service providers meet them as keys."},
		{RemoveWithValue, "Entra ID", "2026-11", useSCIM, "Entra removes one member by path members and a list; without the repair the group could not change, or would be emptied."},
		{CreateTypedElement, "Entra ID", "2026-11", customize, "Entra addresses phoneNumbers[type eq \"mobile\"].value before the element exists."},
		{MemberString, "Microsoft's Postman collection", "2026-11", postman, "Members come as plain ids."},
		{MemberRef, "Scripts that follow RFC 7643", "2026-11", "RFC 7643 §8.7.1, which requires no value of a member", "Members come by their $ref alone."},
		{ManagerString, "Entra ID", "2026-11", "Captain-P-Goldfish/SCIM-SDK issue 686; apache/directory-scimple issue 1242", "In practice Entra sends the manager's id as a string."},
		{ManagerList, "Entra ID, SCIM-SDK", "2026-11", useSCIM + "; " + scimSDK, "Microsoft's documentation shows the manager as a list of one; SCIM-SDK's client wraps every object that it patches."},
		{SingleAsList, "Scripts that follow RFC 7644", "2026-11", "Captain-P-Goldfish/SCIM-SDK issue 416", "RFC 7644 §3.5.2.1 speaks of \"a new value\", so one e-mail address or member comes as an object."},
		{RolesJSON, "Entra ID", "2026-11", customize, "AppRoleAssignmentsComplex puts JSON into a string when it changes roles."},
		{ReferenceURI, "Directories with free text as links", "2026-11", "python-scim/scim2-models 0.12.3, which refuses a whole list for one bad link", "Links typed by hand have blanks and umlauts; a user must not be lost by one, nor a list."},
		{UnqualifiedEnterprise, "Entra ID", "2026-11", useSCIM, "Entra writes manager without the URN of its extension."},
		{UnquotedOperand, "Microsoft's Postman collection", "2026-11", postman, "Filters come as name.familyName eq Employee."},
		{CustomAttribute, "Entra ID", "2026-11", customize, "An administrator adds custom attributes in Entra, and they come without further notice."},
		{SchemasAbsent, "Scripts", "2026-11", "scimmyjs/scimmy issue 68", "Hand-written PATCH bodies leave schemas out."},
		{SchemasCase, "Entra ID inbound provisioning", "2026-11", "European Cloud Summit 2024, row E062", "The shown upload lists urn:ietf:params:scim:schemas:core:2.0:user."},
		{UnknownSchemaURN, "Entra ID", "2026-11", useSCIM, "Entra lists a URN of its own when it creates a group."},
		{StrayPercent, "Scripts", "2026-11", "MicrosoftDocs/azure-docs issue 11784", "Inferred: filters are typed without percent-encoding, and a value may hold a percent sign."},
		{SearchText, "SCIM-SDK", "2026-11", scimSDK, "Its client writes startIndex, count and the lists of names as text; no paged search of it would work."},
	}
}
