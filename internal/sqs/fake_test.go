package sqs

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// queueFake speaks the part of SQS's JSON 1.0 protocol that a reader needs. As SQS does, it gives a message again when it
// was not deleted in time, may give one twice, and fails when told to.
type queueFake struct {
	t        *testing.T
	mu       sync.Mutex
	messages map[string]*kept
	receipts map[string]string
	count    int
	// fail is how many calls of an action answer 503; lose is how many answers of an action are lost after it was done.
	fail, lose map[string]int
	// twice gives each message once more at once.
	twice bool
	calls map[string]int
	waits []int
}

type kept struct {
	body   string
	hidden time.Time
	given  int
}

func newQueue(t *testing.T, bodies ...string) *queueFake {
	t.Helper()
	q := &queueFake{t: t, messages: map[string]*kept{}, receipts: map[string]string{}, fail: map[string]int{}, lose: map[string]int{}, calls: map[string]int{}}
	for i, b := range bodies {
		q.messages[fmt.Sprintf("m-%d", i)] = &kept{body: b}
	}
	return q
}

type request struct {
	QueueUrl, ReceiptHandle                                 string
	MaxNumberOfMessages, WaitTimeSeconds, VisibilityTimeout int
}

func (q *queueFake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	action := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.")
	var in request
	if r.Header.Get("Content-Type") != "application/x-amz-json-1.0" || json.NewDecoder(r.Body).Decode(&in) != nil || !strings.Contains(r.Header.Get("Authorization"), "/sqs/aws4_request") {
		q.error(w, http.StatusBadRequest, "InvalidRequest")
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.calls[action]++
	if q.fail[action] > 0 {
		q.fail[action]--
		q.error(w, http.StatusServiceUnavailable, "ServiceUnavailable")
		return
	}
	answer, ok := q.act(r.Context(), action, in)
	if !ok {
		q.error(w, http.StatusBadRequest, "ReceiptHandleIsInvalid")
		return
	}
	if q.lose[action] > 0 {
		q.lose[action]--
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_ = json.NewEncoder(w).Encode(answer)
}

func (q *queueFake) error(w http.ResponseWriter, code int, kind string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(code)
	fmt.Fprintf(w, `{"__type":"com.amazonaws.sqs#%s","message":"told to"}`, kind)
}

func (q *queueFake) act(ctx context.Context, action string, in request) (map[string]any, bool) {
	switch action {
	case "ReceiveMessage":
		q.waits = append(q.waits, in.WaitTimeSeconds)
		return map[string]any{"Messages": q.receive(ctx, in)}, true
	case "DeleteMessage":
		// SQS answers 200 for a message that is deleted already.
		id, ok := q.receipts[in.ReceiptHandle]
		delete(q.messages, id)
		return map[string]any{}, ok
	case "ChangeMessageVisibility":
		m := q.messages[q.receipts[in.ReceiptHandle]]
		if m != nil {
			m.hidden = time.Now().Add(time.Duration(in.VisibilityTimeout) * time.Second)
		}
		return map[string]any{}, m != nil
	}
	q.t.Errorf("the reader asked for %q", action)
	return nil, false
}

// receive gives what is not hidden. A poll without a message takes a moment, not 20 seconds.
func (q *queueFake) receive(ctx context.Context, in request) []map[string]any {
	var out []map[string]any
	for id, m := range q.messages {
		if len(out) >= in.MaxNumberOfMessages || time.Now().Before(m.hidden) {
			continue
		}
		m.hidden = time.Now().Add(time.Duration(in.VisibilityTimeout) * time.Second)
		if m.given++; q.twice && m.given == 1 {
			m.hidden = time.Time{}
		}
		q.count++
		receipt := fmt.Sprintf("r-%d", q.count)
		q.receipts[receipt] = id
		sum := md5.Sum([]byte(m.body))
		out = append(out, map[string]any{"MessageId": id, "ReceiptHandle": receipt, "Body": m.body, "MD5OfBody": hex.EncodeToString(sum[:])})
	}
	if len(out) == 0 {
		q.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Millisecond):
		}
		q.mu.Lock()
	}
	return out
}

func (q *queueFake) left() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.messages)
}

func (q *queueFake) called(action string) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.calls[action]
}

func (q *queueFake) eventuallyEmpty(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool { return q.left() == 0 }, 20*time.Second, 5*time.Millisecond)
}
