package volatile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/gorilla/websocket"
)

// The channels of the remote command protocol over WebSocket, the first byte of each message
// (https://kubernetes.io/docs/reference/using-api/websockets/ and pods/exec of the API).
const (
	stdoutChannel = 1
	stderrChannel = 2
	statusChannel = 3
)

const (
	// messageLimit is far above the 32 KiB that a kubelet sends at a time.
	messageLimit = 1 << 20
	stderrLimit  = 8 << 10
)

// protocols are those that carry the exit code; the first that the server knows is used.
var protocols = []string{"v5.channel.k8s.io", "v4.channel.k8s.io"}

// output is what a command printed.
type output struct {
	stdout    []byte
	stderr    []byte
	truncated bool
}

// exec runs a command in a container and returns at most limit bytes of what it printed. The output is returned with an
// error too: half of a list is worth keeping.
func (c *cluster) exec(ctx context.Context, namespace, pod, container string, command []string, limit int) (output, error) {
	parent := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	query := url.Values{"container": {container}, "command": command, "stdout": {"true"}, "stderr": {"true"}}
	// Neither the handshake nor a read ends with its context by itself; closing the connection ends both.
	var plain net.Dialer
	dialer := websocket.Dialer{TLSClientConfig: c.TLS, Subprotocols: protocols, Proxy: http.ProxyFromEnvironment}
	dialer.NetDialContext = func(_ context.Context, network, address string) (net.Conn, error) {
		conn, err := plain.DialContext(ctx, network, address)
		if err == nil {
			context.AfterFunc(ctx, func() { conn.Close() })
		}
		return conn, err
	}
	header := http.Header{}
	if c.Token != "" {
		header.Set("Authorization", "Bearer "+c.Token)
	}
	address := "ws" + strings.TrimPrefix(c.address(pods(namespace, pod, "exec"), query), "http")
	conn, response, err := dialer.DialContext(ctx, address, header)
	if err != nil {
		if response != nil {
			defer response.Body.Close()
			return output{}, c.refusal(response)
		}
		if parent.Err() != nil {
			err = parent.Err()
		}
		return output{}, err
	}
	defer conn.Close()
	conn.SetReadLimit(messageLimit)
	if conn.Subprotocol() == "" {
		return output{}, errors.New("the API server speaks no protocol of remote commands that tells the exit code")
	}
	out, err := c.receive(conn, limit)
	if parent.Err() != nil {
		err = parent.Err()
	}
	return out, err
}

// receive reads the channels until the status comes, or the limit is reached.
func (c *cluster) receive(conn *websocket.Conn, limit int) (output, error) {
	var out output
	for {
		_, message, err := conn.ReadMessage()
		if err != nil {
			return out, fmt.Errorf("the command's output broke off before its exit code: %w", err)
		}
		if len(message) == 0 {
			continue
		}
		body := message[1:]
		switch message[0] {
		case stdoutChannel:
			room := limit - len(out.stdout)
			out.stdout = append(out.stdout, body[:min(len(body), room)]...)
			if len(body) > room {
				out.truncated = true
				return out, nil
			}
		case stderrChannel:
			room := stderrLimit - len(out.stderr)
			out.stderr = append(out.stderr, body[:min(len(body), room)]...)
		case statusChannel:
			return out, c.result(body, out.stderr)
		}
	}
}

// result reads the Status with which a command ends.
func (c *cluster) result(body, stderr []byte) error {
	var status struct {
		Status  string `json:"status"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(body, &status); err != nil {
		return errors.New("the command ended with a status that is none of Kubernetes")
	}
	if status.Status == "Success" {
		return nil
	}
	text := c.tidy(status.Message)
	if said := bytes.TrimSpace(stderr); len(said) > 0 {
		text += " (" + c.tidy(string(said)) + ")"
	}
	return fmt.Errorf("the command failed: %s", text)
}
