package slack

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// maxBody is far above what Slack takes; it only keeps a test from filling memory.
const maxBody = 1 << 20

// arguments are a call's arguments as text, whichever way they came. A value
// that is an object or an array in a JSON body keeps its JSON text, which is
// the form in which a form field carries it.
type arguments struct {
	token  string
	values map[string]string
}

func (a arguments) text(name string) string { return a.values[name] }

func (a arguments) has(name string) bool {
	_, ok := a.values[name]
	return ok
}

func (a arguments) flag(name string) bool {
	v := a.values[name]
	return v == "true" || v == "1"
}

// number reads a whole number from 1 to most, or fallback when it is not given.
func (a arguments) number(name string, fallback, most int) (int, *failure) {
	v := a.values[name]
	if v == "" {
		return fallback, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		return 0, &failure{code: "invalid_limit"}
	}
	if n == 0 {
		return fallback, nil
	}
	return min(n, most), nil
}

// readArguments takes the query, a form or a JSON body. The token may be a
// bearer header or a form field; Slack does not take it from a query or from JSON.
func readArguments(w http.ResponseWriter, r *http.Request) (arguments, *failure) {
	args := arguments{values: make(map[string]string)}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		args.token = strings.TrimSpace(token)
	}
	for name, values := range r.URL.Query() {
		if name != "token" {
			args.values[name] = values[0]
		}
	}
	if r.Method != http.MethodPost {
		return args, nil
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/json":
		return args, args.readJSON(r)
	case "application/x-www-form-urlencoded", "multipart/form-data":
		return args.readForm(r)
	case "":
		return args, nil
	default:
		return args, &failure{code: "invalid_post_type"}
	}
}

func (a arguments) readForm(r *http.Request) (arguments, *failure) {
	// ParseMultipartForm reads urlencoded bodies too and then says ErrNotMultipart.
	if err := r.ParseMultipartForm(maxBody); err != nil && err != http.ErrNotMultipart {
		return a, &failure{code: "invalid_form_data"}
	}
	for name, values := range r.PostForm {
		if len(values) > 0 {
			a.values[name] = values[0]
		}
	}
	if a.token == "" {
		a.token = a.values["token"]
	}
	delete(a.values, "token")
	return a, nil
}

func (a arguments) readJSON(r *http.Request) *failure {
	var fields map[string]json.RawMessage
	switch err := json.NewDecoder(r.Body).Decode(&fields); {
	case errors.Is(err, io.EOF): // no body: a method without arguments
	case err != nil:
		return &failure{code: "invalid_json"}
	}
	a.keep(fields)
	return nil
}

func (a arguments) keep(fields map[string]json.RawMessage) {
	for name, raw := range fields {
		var text string
		switch {
		case name == "token" || string(raw) == "null":
		case json.Unmarshal(raw, &text) == nil:
			a.values[name] = text
		default:
			a.values[name] = string(raw)
		}
	}
}
