package modelserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

const (
	commandTimeout = time.Minute
	// frame is how much of the output a kubelet sends at a time.
	frame = 32 << 10
)

// execute runs a remote command and speaks the protocol of its output, a channel number before each message
// (https://kubernetes.io/docs/reference/using-api/websockets/).
func (s *Server) execute(w http.ResponseWriter, r *http.Request, p *pod) {
	command := r.URL.Query()["command"]
	if len(command) == 0 {
		refuse(w, http.StatusBadRequest, "you must specify at least 1 container command")
		return
	}
	upgrader := websocket.Upgrader{Subprotocols: []string{"v5.channel.k8s.io", "v4.channel.k8s.io"}}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // the upgrader has answered
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(r.Context(), commandTimeout)
	defer cancel()
	stdout, stderr, err := p.run(ctx, command)
	for channel, output := range map[byte][]byte{1: stdout, 2: stderr} {
		for len(output) > 0 {
			n := min(len(output), frame)
			if conn.WriteMessage(websocket.BinaryMessage, append([]byte{channel}, output[:n]...)) != nil {
				return // the caller has gone
			}
			output = output[n:]
		}
	}
	status := map[string]any{"metadata": map[string]any{}, "status": "Success"}
	if err != nil {
		status = map[string]any{"metadata": map[string]any{}, "status": "Failure", "reason": "NonZeroExitCode", "message": err.Error()}
	}
	body, err := json.Marshal(status)
	if err != nil {
		return
	}
	_ = conn.WriteMessage(websocket.BinaryMessage, append([]byte{3}, body...)) // the caller may have gone
	_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
}

// run runs a command of a shell for real, with a folder in place of the container's file system: /proc and /mnt are looked
// for there, and what the command prints is said without it.
func (p *pod) run(ctx context.Context, command []string) (stdout, stderr []byte, err error) {
	root, err := os.MkdirTemp("", "firebreak-pod-")
	if err != nil {
		return nil, nil, fmt.Errorf("make file system: %w", err)
	}
	defer func() { _ = os.RemoveAll(root) }()
	if err := p.fill(root); err != nil {
		return nil, nil, fmt.Errorf("fill file system: %w", err)
	}
	inside := strings.NewReplacer("/proc/", root+"/proc/", "/mnt/", root+"/mnt/")
	args := make([]string, len(command))
	for i := range command {
		args[i] = inside.Replace(command[i])
	}
	var out, failed bytes.Buffer
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = root, []string{"PATH=" + os.Getenv("PATH")}, &out, &failed
	err = cmd.Run()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		err = fmt.Errorf("command terminated with non-zero exit code: exit status %d", exit.ExitCode())
	}
	outside := func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(root), nil) }
	return outside(out.Bytes()), outside(failed.Bytes()), err
}

// fill makes the files that the container has: those of the model, and its one process with a port that it listens on.
func (p *pod) fill(root string) error {
	files := map[string]string{
		"proc/1/cmdline": strings.Join(p.command(), "\x00") + "\x00",
		"proc/1/maps":    "7f0000000000-7f0000001000 r--p 00000000 00:00 0 " + filepath.Join(root, modelDir, p.checkpoint.files[0].name) + "\n",
		"proc/net/tcp":   "  sl  local_address rem_address   st\n   0: 00000000:1F90 00000000:0000 0A\n",
	}
	for _, f := range p.checkpoint.files {
		files["mnt/models/"+f.name] = string(f.bytes)
	}
	dir, err := os.OpenRoot(root)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	for name, content := range files {
		if err := dir.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		if err := dir.WriteFile(name, []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}
