package expression

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// moment is when the tests are.
var moment = time.Date(2026, 11, 23, 12, 50, 54, 0, time.UTC)

// fixed are an environment's inputs that are always the same.
func fixed() Environment {
	return Environment{Now: moment, Random: rand.NewChaCha8([32]byte{1})}
}

func record(t testing.TB, fields map[string]any) Record {
	t.Helper()
	r, err := NewRecord(fields)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// outcome is what an expression gives, as a test writes it: a value, ignore for
// what isn't flowed, or a part of an error.
type ignore struct{}
type refusal string

func outcome(source string, r Record) any {
	p, err := Compile(source)
	if err != nil {
		return refusal(err.Error())
	}
	result, err := p.Evaluate(r, fixed())
	switch {
	case err != nil:
		return refusal(err.Error())
	case result.Ignored:
		return ignore{}
	case result.Candidates != nil:
		return result.Candidates
	}
	if at, ok := result.Value.(time.Time); ok {
		s, _ := Text(at)
		return s
	}
	return result.Value
}

// example is an expression with what it gives for the fields of person.
type example struct {
	source string
	want   any
}

func hold(t *testing.T, fields map[string]any, examples []example) {
	t.Helper()
	r := record(t, fields)
	for _, e := range examples {
		got := outcome(e.source, r)
		if part, ok := e.want.(refusal); ok {
			if text, refused := got.(refusal); refused && strings.Contains(string(text), string(part)) {
				continue
			}
		} else if fmt.Sprintf("%T %#v", got, got) == fmt.Sprintf("%T %#v", e.want, e.want) {
			continue
		}
		t.Errorf("%s\n got %T %#v\nwant %T %#v", e.source, got, got, e.want, e.want)
	}
}

// The examples of the page that Entra's administrators know (Microsoft,
// functions-for-customizing-application-data), with the results that it tells.
func TestExamplesOfEntrasReference(t *testing.T) {
	hold(t, map[string]any{
		"userPrincipalName": "jsmith@contoso.com", "mail": "john.doe@contoso.com", "nothing": nil,
		"attribute1": "a", "attribute2": "a", "StatusHireDate": "2012-03-16-07:00", "hired": "2020-03-16-07:00",
		"extensionAttribute1": "20150123105347.1Z", "extensionAttribute5": "PermissionSetOne, PermissionSetTwo",
		"country": "USA", "state": "QLD", "department": "Sales", "givenName": "John", "surname": "Doe",
		"firstName": "PABLO GONSALVES (SECOND)", "lastName": "PINTO-DE'SILVA", "prefix": "9999",
		"BusinessTitle": "Product Developer", "UserID": "jsmith", "telephoneNumber": "+91 9998887777",
		"mobile": "+1 (999) 888-7777", "mobile2": "+91 8887779999", "AddressLineData": "545 Tremont Street", "none": "",
		"mailNickname": "john_doe72", "ContractEndDate": "2020-12-31-08:00", "endDate": "12/31/2020 08:00:00 AM",
		"PreferredFirstName": "John", "PreferredLastName": "Smith", "statusFlag": "TRUE", "Active": "1",
		"proxyAddresses": []any{"SMTP:a@x", "smtp:b@x", "SMTP:a@x"},
		"objectId":       "00aa00aa-bb11-cc22-dd33-44ee44ee44ee", "lastLogonTimestamp": "129699324000000000",
	}, []example{
		{`Append([userPrincipalName], ".test")`, "jsmith@contoso.com.test"},
		{`BitAnd(&HF, &HF7)`, 7},
		{`CBool([attribute1] = [attribute2])`, true},
		{`CDate([hired])`, "3/16/2020 7:00:00 AM"},
		{`CDate("2021-06-30+08:00")`, "6/29/2021 4:00:00 PM"},
		{`CDate("2009-06-15T01:45:30-07:00")`, "6/15/2009 8:45:30 AM"},
		{`Coalesce([nothing],[userPrincipalName])`, "jsmith@contoso.com"},
		{`ConvertToBase64("Hello world!")`, "SABlAGwAbABvACAAdwBvAHIAbABkACEA"},
		{`ConvertToUTF8Hex("Hello world!")`, "48656C6C6F20776F726C6421"},
		{`Count([proxyAddresses])`, 3},
		{`DateAdd("d", 7, CDate([StatusHireDate]))`, "3/23/2012 7:00:00 AM"},
		{`DateAdd("d", -10, CDate([StatusHireDate]))`, "3/6/2012 7:00:00 AM"},
		{`DateAdd("ww", 2, CDate([StatusHireDate]))`, "3/30/2012 7:00:00 AM"},
		{`DateAdd("m", 10, CDate([StatusHireDate]))`, "1/16/2013 7:00:00 AM"},
		{`DateAdd("yyyy", 2, CDate([StatusHireDate]))`, "3/16/2014 7:00:00 AM"},
		{`DateDiff("d", CDate("2021-08-18+08:00"), CDate("2021-08-31+08:00"))`, 13},
		{`DateDiff("d", CDate("8/25/2021 5:41:18 PM"), CDate([StatusHireDate]))`, -3449},
		{`DateDiff("ww", CDate("8/25/2021 5:41:18 PM"), CDate([StatusHireDate]))`, -493},
		{`DateDiff("m", CDate("8/25/2021 5:41:18 PM"), CDate([StatusHireDate]))`, -113},
		{`DateDiff("yyyy", CDate("8/25/2021 5:41:18 PM"), CDate([StatusHireDate]))`, -9},
		{`DateDiff("d", CDate("2021-08-31+08:00"), CDate("2021-08-31+08:00"))`, 0},
		{`DateDiff("h", CDate("2021-08-24"), CDate("2021-08-25"))`, 24},
		{`DateDiff("n", CDate("2021-08-24"), CDate("2021-08-25"))`, 1440},
		{`DateDiff("s", CDate("2021-08-24"), CDate("2021-08-25"))`, 86400},
		{"Switch([Active], , \n  \"1\", IIF(DateDiff(\"d\", Now(), CDate([StatusHireDate])) > 5, \"False\", \"True\"), \n  \"0\", \"False\")", "True"},
		{`DateFromNum(129699324000000000)`, "1/1/2012 11:00:00 PM"},
		{`DateFromNum([lastLogonTimestamp])`, "1/1/2012 11:00:00 PM"},
		{`FormatDateTime([extensionAttribute1], , "yyyyMMddHHmmss.fZ", "yyyy-MM-dd")`, "2015-01-23"},
		{`IgnoreFlowIfNullOrEmpty([nothing])`, ignore{}},
		{`IgnoreFlowIfNullOrEmpty(Switch([prefix], "", "3443", "Dr.", "3444", "Prof.", "3445", "Prof. Dr."))`, ignore{}},
		{`IIF([country]="USA",[country],[department])`, "USA"},
		{`IIF([country]="USA",IIF([state]="CA","True","False"),"False")`, "False"},
		{`IIF([none]="","Other",[country])`, "USA"},       // the condition fails
		{`IIF(IsNullOrEmpty([none]),"Other",[none])`, ""}, // so does this one
		{`Switch([none],[none],"","Other")`, "Other"},     // the way out that it gives
		{`Switch([nothing],[nothing],"","Other")`, "Other"},
		{`Switch([country],[country],"","Other")`, "USA"},
		{`InStr("The quick brown fox","quick")`, 5},
		{`InStr("repEated","e",3,vbBinaryCompare)`, 7},
		{`InStr("repEated","e",3,vbTextCompare)`, 4},
		{`IsNull([nothing])`, true},
		{`IsNullOrEmpty([none])`, true},
		{`IsPresent([none])`, false},
		{`Item([proxyAddresses], 1)`, "SMTP:a@x"},
		{`Left("John Doe", 3)`, "Joh"},
		{`NormalizeDiacritics("Zoë")`, "Zoe"},
		{`Now()`, "11/23/2026 12:50:54 PM"},
		{`PCase([firstName])`, "Pablo Gonsalves (Second)"},
		{`PCase([lastName]," '-")`, "Pinto-De'Silva"},
		{`PCase(Join(" ","GREGORY","JAMES"))`, "Gregory James"},
		{`NumFromDate(Join("", FormatDateTime([ContractEndDate], ,"yyyy-MM-ddzzz", "yyyy-MM-dd"), " 23:59:59-08:00"))`, 132539615990000000},
		{`NumFromDate(Join("",FormatDateTime([endDate], ,"M/d/yyyy hh:mm:ss tt","yyyy-MM-dd"),"23:59:59-08:00"))`, refusal("is no date")}, // without the blank
		{`NumFromDate(Join("",FormatDateTime([endDate], ,"M/d/yyyy hh:mm:ss tt","yyyy-MM-dd")," 23:59:59-08:00"))`, 132539615990000000},
		{`RemoveDuplicates([proxyAddresses])`, []any{"SMTP:a@x", "smtp:b@x"}},
		{`Replace([BusinessTitle],"Product Developer", , , "Software Engineer", , )`, "Software Engineer"},
		{`Replace([UserID],"<username>", , , , , "<username>@contoso.com")`, "jsmith@contoso.com"},
		{`Replace([telephoneNumber], , "\\+(?<isdCode>\\d* )(?<phoneNumber>\\d{10})", , "${phoneNumber}", , )`, "9998887777"},
		{`Replace([mobile], , "[()\\s-]+", , "", , )`, "+19998887777"}, // the page says 19998887777, but its pattern has no +
		{`Replace([AddressLineData], ,"(?<streetNumber>^\\d*)","streetNumber", "888", , )`, "888 Tremont Street"},
		{`Replace([userPrincipalName], , "(?<Suffix>@(.)*)", "Suffix", "", , )`, "jsmith"},
		{`Replace([none], , "\\+(?<isdCode>\\d* )(?<phoneNumber>\\d{10})", "phoneNumber" , , [mobile2], )`, "8887779999"},
		{`Replace([mailNickname], , "[a-zA-Z_]*", , "", , )`, "72"},
		{`SelectUniqueValue( 
        Join("@", NormalizeDiacritics(StripSpaces(Join(".",  [PreferredFirstName], [PreferredLastName]))), "contoso.com"), 
        Join("@", NormalizeDiacritics(StripSpaces(Join(".",  Mid([PreferredFirstName], 1, 1), [PreferredLastName]))), "contoso.com"),
        Join("@", NormalizeDiacritics(StripSpaces(Join(".",  Mid([PreferredFirstName], 1, 2), [PreferredLastName]))), "contoso.com")
    )`, []string{"John.Smith@contoso.com", "J.Smith@contoso.com", "Jo.Smith@contoso.com"}},
		{`Split([extensionAttribute5], ",")`, []any{"PermissionSetOne", "PermissionSetTwo"}},
		{`Switch(ToLower([statusFlag]), "0", "true", "1", "false", "0")`, "1"},
		{`Switch([statusFlag], "Default Value", "true", "1", "", "0")`, "Default Value"},
		{`Switch([none], "Default Value", "true", "1", "", "0")`, "0"},
		{`Switch([state], "Australia/Sydney", "NSW", "Australia/Sydney","QLD", "Australia/Brisbane", "SA", "Australia/Adelaide")`, "Australia/Brisbane"},
		{`ToLower(Join("@", NormalizeDiacritics(StripSpaces(Join(".",  [PreferredFirstName], [PreferredLastName]))), "contoso.com"))`, "john.smith@contoso.com"},
		{`Word("The quick brown fox",3," ")`, "brown"},
		{`Word("This,string!has&many separators",3,",!&#")`, "has"},
		{`Replace([mail], "@contoso.com", , ,"", ,)`, "john.doe"},
		{`Append(Mid([givenName], 1, 3), Mid([surname], 1, 5))`, "JohDoe"},
		{`Join(", ", "", [surname], [givenName])`, "Doe, John"},
		{`Join("", 1000, Replace(ConvertToUTF8Hex("00aa"), , "[a-zA-Z_]*", , "", , ))`, "100030306161"},
	})
}

func TestErrorsSayWhereAndWhat(t *testing.T) {
	for source, want := range map[string]string{
		``:                                          "the expression is empty",
		`Lefft([a], 1)`:                             "1:1: there is no function \"Lefft\"",
		"Append(\n  left([a], 1), \"x\")":           "2:3: there is no function left; it is written Left",
		`Left([a])`:                                 "1:1: Left: 2 arguments wanted, 1 given; it is Left(string, numChars)",
		`Append("a\d", "b")`:                        `1:10: there is no \d in text; a backslash is written \\`,
		`Append("a, "b")`:                           "1:13: there is no operator before this",
		`Append("a", "b)`:                           "1:13: this text has no end",
		`Left("é", 1) Left("b", 1)`:                 "1:14: there is no operator before this",
		`DateAdd("month", 1, Now())`:                `DateAdd: the interval is one of`,
		`Switch([a], "x", "k")`:                     "at least 4 arguments wanted",
		`Switch([a], "x", "k", "v", "l")`:           "an even number",
		`FormatDateTime([a], , "q", "yyyy")`:        "no standard format",
		`FormatDateTime([a], "Loose", , "yyyy")`:    "none of the DateTimeStyles",
		`ToLower([a], "klingon language")`:          "is no culture",
		`Replace([a], , "(?=x)", , "y", , )`:        "no looking ahead",
		`Replace([a], , "(a)\\1", , "y", , )`:       "no references back",
		`Replace([a], , [b], , "y", , )`:            "has to be text in quotation marks",
		`Replace([a], , "a", "g", "y", , )`:         `no group "g"`,
		`Replace([a], "x", , , , , )`:               "give oldValue with",
		`Replace([a], , "((a{50}){50}){2}", , "y")`: "1:1: Replace: the pattern",
		`RandomString(3,3,3,0,0)`:                   "no less than the minimums together",
		`Append(SelectUniqueValue("a","b"), "c")`:   "outermost",
		`AppRoleAssignmentsComplex([x])`:            "only Entra ID holds",
		`let x = 1; x`:                              "1:5: there is no operator before this",
		`[a] | Left(1)`:                             "1:5: '|' has no meaning here",
		`map([a], # )`:                              "there is no function",
		`{"a": 1}`:                                  "no meaning",
		`[a].b()`:                                   "only a function can be called",
		`1..5`:                                      "after a point stands",
		`[a] - [b]`:                                 "there is no subtraction",
		`$env`:                                      "no meaning",
		`Now`:                                       "",
		"Append(\"a\xff\", \"b\")":                  "isn't UTF-8",
	} {
		_, err := Compile(source)
		if err == nil {
			if want != "" {
				t.Errorf("%s compiles; want %q", source, want)
			}
			continue
		}
		var own *Error
		if !errors.As(err, &own) {
			t.Errorf("%s: %T", source, err)
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n got %v\nwant %s", source, err, want)
		}
	}
}
