package volatile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"firebreak/internal/inventory"
)

const (
	// itemTimeout bounds what should be quick; hashing files has all the time that is left.
	itemTimeout = 20 * time.Second
	// outputLimit bounds the output of one command.
	outputLimit = 16 << 20
)

// The commands use a shell and /proc alone where they can: an image for serving has few tools. What one process or one
// protocol lacks does not make a command fail: processes end while they are listed, and not every kernel has IPv6.
const (
	processScript = `for p in /proc/[0-9]*; do printf '%s\t' "${p#/proc/}"; tr '\000' ' ' <"$p/cmdline" 2>/dev/null; echo; done`
	socketScript  = `e=1; for f in tcp tcp6 udp udp6 unix; do echo "== $f"; cat "/proc/net/$f" 2>/dev/null && e=0; done; exit $e`
	mappedScript  = `for p in /proc/[0-9]*; do while read -r _ _ _ _ _ f; do case "$f" in /*) echo "${p#/proc/} $f";; esac; done <"$p/maps" 2>/dev/null; done; true`
	fileScript    = `for d in "$@"; do [ -d "$d" ] && find -L "$d" -xdev -type f -exec sha256sum {} +; done; true`
)

// item is one thing to capture of a replica. Name is a fixed word.
type item struct {
	name, container, suffix string
	patient                 bool
	read                    func(ctx context.Context) (content []byte, truncated bool, err error)
}

// items lists what is captured of a replica, the most volatile first: what runs and to whom it is connected, then what the
// API server and the kubelet keep for a while, and last what takes long.
func (c *cluster) items(s inventory.Serving, r replica, logBytes int64) []item {
	var out []item
	for i, one := range r.Containers {
		out = append(out, c.command(s, r, one, "processes", redactText, processScript))
		if i == 0 {
			// The containers of a pod share its network.
			out = append(out, c.command(s, r, one, "sockets", nil, socketScript))
		}
		out = append(out, c.command(s, r, one, "mapped-files", uniqueLines, mappedScript))
	}
	out = append(out, item{name: "pod", suffix: ".json", read: func(ctx context.Context) ([]byte, bool, error) { return c.pod(ctx, s, r) }})
	for _, one := range r.Containers {
		out = append(out, c.log(s, r, one, logBytes, false))
		if one.Restarts > 0 {
			out = append(out, c.log(s, r, one, logBytes, true))
		}
	}
	out = append(out, item{name: "events", suffix: ".json", read: func(ctx context.Context) ([]byte, bool, error) { return c.events(ctx, s, r) }})
	for _, one := range r.Containers {
		hash := c.command(s, r, one, "files", nil, fileScript, one.Paths...)
		hash.patient = true
		out = append(out, hash)
	}
	return out
}

// command is the output of a script in a container. Arguments are passed as such and never become part of the script.
func (c *cluster) command(s inventory.Serving, r replica, one container, name string, tidy func(string) string, script string, args ...string) item {
	return item{name: name, container: one.Name, suffix: ".txt", read: func(ctx context.Context) ([]byte, bool, error) {
		out, err := c.exec(ctx, s.Namespace, r.Name, one.Name, append([]string{"sh", "-c", script, "sh"}, args...), outputLimit)
		if tidy != nil {
			out.stdout = []byte(tidy(string(out.stdout)))
		}
		if err == nil && len(out.stdout) == 0 {
			err = errors.New("the command printed nothing")
		}
		return out.stdout, out.truncated, err
	}}
}

// pod reads the pod as it is now. Another pod of the same name is not the replica.
func (c *cluster) pod(ctx context.Context, s inventory.Serving, r replica) ([]byte, bool, error) {
	content, truncated, err := c.get(ctx, pods(s.Namespace, r.Name), nil, first(answerLimit))
	if err != nil || truncated {
		return nil, false, errors.Join(err, tooLarge(truncated))
	}
	var now pod
	if err := json.Unmarshal(content, &now); err != nil || now.Metadata.UID != r.UID {
		return nil, false, errors.New("the pod is gone, and another has its name")
	}
	content, err = redactObject(content)
	return content, false, err
}

func (c *cluster) events(ctx context.Context, s inventory.Serving, r replica) ([]byte, bool, error) {
	path := "/api/v1/namespaces/" + url.PathEscape(s.Namespace) + "/events"
	content, truncated, err := c.get(ctx, path, url.Values{"fieldSelector": {"involvedObject.uid=" + r.UID}, "limit": {"500"}}, first(answerLimit))
	if err != nil || truncated {
		return nil, false, errors.Join(err, tooLarge(truncated))
	}
	content, err = redactObject(content)
	return content, false, err
}

func tooLarge(truncated bool) error {
	if truncated {
		return fmt.Errorf("it has more than %d bytes", answerLimit)
	}
	return nil
}

// log reads the end of a container's log as it is: it holds the requests, and the inputs that triggered.
func (c *cluster) log(s inventory.Serving, r replica, one container, limit int64, previous bool) item {
	name := "log"
	if previous {
		name = "log-before-restart"
	}
	return item{name: name, container: one.Name, suffix: ".txt", read: func(ctx context.Context) ([]byte, bool, error) {
		query := url.Values{
			"container": {one.Name}, "timestamps": {"true"}, "previous": {strconv.FormatBool(previous)},
		}
		content, truncated, err := c.get(ctx, pods(s.Namespace, r.Name, "log"), query, last(limit))
		return content, truncated, err
	}}
}

// uniqueLines sorts the lines and leaves out repetitions: a library is mapped several times.
func uniqueLines(text string) string {
	lines := slices.Collect(strings.Lines(text))
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "")
}
