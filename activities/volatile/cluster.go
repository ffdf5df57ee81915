package volatile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"firebreak/activities/serving/kube"
	"firebreak/internal/secret"
)

const (
	// answerLimit bounds a list or an object of Kubernetes.
	answerLimit = 16 << 20
	textLimit   = 300
)

// clusters reaches clusters by the names that the inventory has for them. *kube.Client is one.
type clusters interface {
	Access(ctx context.Context, cluster string) (*kube.Access, error)
}

// cluster is one cluster's API.
type cluster struct{ *kube.Access }

// statusError is an answer of the API server that is no success.
type statusError struct {
	code int
	text string
}

func (e *statusError) Error() string { return e.text }

// absent reports whether the API server says that there is no such thing.
func absent(err error) bool {
	var s *statusError
	return errors.As(err, &s) && s.code == http.StatusNotFound
}

// keep reads an answer, or the part of it that is kept; truncated is true if there is more.
type keep func(io.Reader) (content []byte, truncated bool, err error)

// first keeps the first bytes. What came before an answer broke off is worth keeping.
func first(limit int64) keep {
	return func(r io.Reader) ([]byte, bool, error) {
		content, err := io.ReadAll(io.LimitReader(r, limit+1))
		if int64(len(content)) > limit {
			return content[:limit], true, nil
		}
		return content, false, err
	}
}

// last keeps the last bytes, and holds no more than twice as many.
func last(limit int64) keep {
	return func(r io.Reader) ([]byte, bool, error) {
		var content []byte
		truncated := false
		buffer := make([]byte, 64<<10)
		for {
			n, err := r.Read(buffer)
			content = append(content, buffer[:n]...)
			if over := int64(len(content)) - limit; over > 0 && (err != nil || over > limit) {
				content, truncated = append(content[:0], content[over:]...), true
			}
			if errors.Is(err, io.EOF) {
				return content, truncated, nil
			}
			if err != nil {
				return content, truncated, err
			}
		}
	}
}

// get reads a path.
func (c *cluster) get(ctx context.Context, path string, query url.Values, read keep) (content []byte, truncated bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.address(path, query), nil)
	if err != nil {
		return nil, false, errors.New("make request")
	}
	if c.Token != "" {
		request.Header.Set("Authorization", "Bearer "+c.Token)
	}
	response, err := c.HTTP.Do(request)
	if err != nil {
		return nil, false, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, false, c.refusal(response)
	}
	return read(response.Body)
}

func (c *cluster) address(path string, query url.Values) string {
	address := c.Server + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return address
}

// refusal words an answer that is no success, without the token that a server may repeat.
func (c *cluster) refusal(response *http.Response) error {
	content, _ := io.ReadAll(io.LimitReader(response.Body, 64<<10)) // the code says enough
	var status struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(content, &status) // a proxy's answer may not be a Status
	text := fmt.Sprintf("HTTP %d", response.StatusCode)
	if status.Message != "" {
		text += ": " + c.tidy(status.Message)
	}
	if response.StatusCode == http.StatusForbidden {
		text += " (give firebreak's role this verb on this resource)"
	}
	return &statusError{response.StatusCode, text}
}

// tidy makes a server's or a program's text fit for an error.
func (c *cluster) tidy(text string) string {
	if c.Token != "" {
		text = strings.ReplaceAll(text, c.Token, secret.Mask)
	}
	text = secret.NewRedactor().Text(strings.ToValidUTF8(text, "?"))
	if len(text) > textLimit {
		text = strings.ToValidUTF8(text[:textLimit], "") + "..."
	}
	return strings.TrimSpace(text)
}

// pods is the path of the pods of a namespace, or of what is below one of them.
func pods(namespace string, below ...string) string {
	path := "/api/v1/namespaces/" + url.PathEscape(namespace) + "/pods"
	for _, part := range below {
		path += "/" + url.PathEscape(part)
	}
	return path
}
