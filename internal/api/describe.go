package api

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// The OpenAPI document is made of the files in openapi/: base.json is the frame,
// each other one a subject. Of an operation a file tells what is its own:
// operationId, summary, query and header parameters, request body and the
// answers that are no errors. What all have in common is added here. A POST
// that only reads says so by "x-dryRun": false.
//
//go:embed openapi/*.json
var pieces embed.FS

// piece is a file of openapi/.
type piece struct {
	Paths   map[string]map[string]object `json:"paths"`
	Schemas object                       `json:"schemas"`
	// Codes are the codes of errors, with their statuses, that the subject brings.
	Codes map[string]int `json:"codes"`
}

// object is a JSON object.
type object = map[string]any

// operationKey names a method of a route, whose path may be the router's or the
// document's.
func operationKey(method, path string) string {
	return strings.ToUpper(method) + " " + routeParameter.ReplaceAllString(path, "{$1}")
}

var (
	routeParameter     = regexp.MustCompile(`:(\w+)`)
	describedParameter = regexp.MustCompile(`\{(\w+)\}`)
)

// mustDescribe puts the document together. Its files are part of the program, so
// one that can't be read is a mistake of ours.
func mustDescribe() (document []byte, operations map[string]operation) {
	document, operations, err := assemble()
	if err != nil {
		panic(fmt.Sprintf("api: openapi: %v", err))
	}
	return document, operations
}

func assemble() (document []byte, operations map[string]operation, err error) {
	var base object
	if err := readPiece("base.json", &base); err != nil {
		return nil, nil, err
	}
	files, err := pieces.ReadDir("openapi")
	if err != nil {
		return nil, nil, err
	}
	paths, schemas, codes := object{}, base["components"].(object)["schemas"].(object), map[string]int{}
	operations = map[string]operation{}
	for _, f := range files {
		if f.Name() == "base.json" {
			continue
		}
		var p piece
		if err := readPiece(f.Name(), &p); err != nil {
			return nil, nil, err
		}
		maps.Copy(schemas, p.Schemas)
		maps.Copy(codes, p.Codes)
		for path, methods := range p.Paths {
			for method, op := range methods {
				complete(path, method, strings.TrimSuffix(f.Name(), ".json"), op)
				operations[operationKey(method, path)] = read(method, op)
			}
			paths[path] = methods
		}
	}
	base["paths"] = paths
	code := schemas["Problem"].(object)["properties"].(object)["code"].(object)
	code["enum"] = slices.Sorted(maps.Keys(codes))
	document, err = json.Marshal(base)
	return document, operations, err
}

func readPiece(name string, v any) error {
	b, err := pieces.ReadFile("openapi/" + name)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// complete adds to an operation what it has in common with the others.
func complete(path, method, tag string, op object) {
	op["tags"] = []any{tag}
	parameters, _ := op["parameters"].([]any)
	for _, m := range describedParameter.FindAllStringSubmatch(path, -1) {
		parameters = append(parameters, refer("parameters", m[1]))
	}
	switch {
	case method == "get":
	case op["x-dryRun"] == false:
		text, _ := op["description"].(string)
		op["description"] = strings.TrimSpace(text + " It changes nothing, so there is no dry run of it: dryRun is refused with 400.")
	default:
		parameters = append(parameters, refer("parameters", "dryRun"))
	}
	if len(parameters) > 0 {
		op["parameters"] = parameters
	}
	if responses, ok := op["responses"].(object); ok {
		responses["default"] = refer("responses", "Problem")
	}
}

func refer(kind, name string) object {
	return object{"$ref": "#/components/" + kind + "/" + name}
}

// read gives what an operation says of its query.
func read(method string, op object) operation {
	out := operation{query: map[string]bool{}, reads: method == "get"}
	parameters, _ := op["parameters"].([]any)
	for _, p := range parameters {
		p := p.(object)
		name, _ := p["name"].(string)
		ref, _ := p["$ref"].(string)
		switch ref {
		case "#/components/parameters/limit", "#/components/parameters/cursor", "#/components/parameters/dryRun":
			name, p = ref[strings.LastIndexByte(ref, '/')+1:], object{"in": "query"}
		}
		if p["in"] == "query" {
			out.query[name] = true
		}
	}
	out.dryRun = out.query["dryRun"]
	return out
}

func (s *Server) describe(r *request) error {
	return r.respond(http.StatusOK, "application/json", s.description)
}
