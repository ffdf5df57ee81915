package slack

import (
	"context"
	"encoding/json"
	"html/template"
	"math"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Options describe the workspace that New starts with.
type Options struct {
	// Tokens are the bearer tokens that the API accepts. With none, every call
	// is answered invalid_auth: an open Slack does not exist.
	Tokens []string
	// Team is the name of the workspace, "Sandbox" if empty.
	Team string
	// BotName is the display name of the app behind the tokens, "firebreak" if empty.
	BotName string
	// Channels are created at the start, as public channels, without "#".
	Channels []string
	// Users are the people of the workspace.
	Users []User
	// App is how the app is set up; it can be changed with Configure.
	App App
	// Now is the clock that timestamps of messages and requests are made from, and by which triggers and response URLs
	// run out; time.Now if nil. How long an answer is waited for is real time.
	Now func() time.Time
}

// Call is one request that reached the API, for tests that count attempts.
type Call struct {
	At     time.Time
	Method string
	// Channel is the argument as the caller wrote it.
	Channel string
	// Answer is "ok", Slack's error code, "ratelimited", "down", or
	// "no_answer" where the work was done but the connection was closed.
	Answer string
}

// Server is the look-alike: an http.Handler with the API under /api/ and the
// pages under /.
type Server struct {
	workspace *workspace
	faults    faults
	tokens    map[string]bool
	methods   map[string]method
	mux       *http.ServeMux
	pages     *template.Template
	triggers  triggers
	responses responses
	surfaces  surfaces
	sockets   sockets
	// work is what goes on after a request was answered, such as repeated events; stop ends it.
	work sync.WaitGroup
	life context.Context
	stop context.CancelFunc

	mu         sync.Mutex
	app        App
	host       string
	calls      []Call
	deliveries []Delivery
}

// maxCalls bounds the ledger, so that a sandbox left running does not grow.
const maxCalls = 10_000

// New returns a workspace with the channels and people of opts.
func New(opts Options) *Server {
	s := &Server{
		workspace: newWorkspace(opts),
		tokens:    make(map[string]bool, len(opts.Tokens)),
		mux:       http.NewServeMux(),
		pages:     parsePages(),
		app:       opts.App.withDefaults(),
	}
	s.life, s.stop = context.WithCancel(context.Background())
	for _, token := range opts.Tokens {
		s.tokens[token] = true
	}
	s.methods = s.methodTable()
	s.mux.HandleFunc("/api/{method}", s.serveMethod)
	s.mux.HandleFunc("POST /response/{id}", s.serveResponse)
	s.mux.HandleFunc("GET /socket/{ticket}", s.serveSocket)
	s.routePages()
	return s
}

// ServeHTTP answers the API and the pages.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.host = r.Host
	s.mu.Unlock()
	s.mux.ServeHTTP(w, r)
}

// Close ends what goes on in the background, repeated deliveries and Socket Mode connections, and waits for it.
func (s *Server) Close() error {
	s.mu.Lock()
	s.stop()
	s.mu.Unlock()
	s.sockets.closeAll()
	s.work.Wait()
	return nil
}

// background starts work that Close waits for; false once the server is closed.
func (s *Server) background(do func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life.Err() != nil {
		return false
	}
	s.work.Go(do)
	return true
}

// Messages returns what stands in a channel, named by "#name", name or id,
// oldest first, replies and ephemeral messages included. It is empty for a
// channel that does not exist.
func (s *Server) Messages(channel string) []Message { return s.workspace.messages(channel) }

// Channels returns the channels in the order of their creation.
func (s *Server) Channels() []Channel { return s.workspace.list() }

// Calls returns the requests that reached the API, oldest first, at most the
// last ten thousand.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call(nil), s.calls...)
}

func (s *Server) record(name, channel, answer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.calls) >= maxCalls {
		s.calls = append([]Call(nil), s.calls[maxCalls/2:]...)
	}
	s.calls = append(s.calls, Call{At: s.workspace.now(), Method: name, Channel: channel, Answer: answer})
}

// reply is the body of an answer that went well; ok:true is added to it.
type reply map[string]any

// failure is Slack's error: a code, and for some codes what was wrong where.
type failure struct {
	code     string
	messages []string
}

// method does one API method's work.
type method func(args arguments) (reply, *failure)

func (s *Server) methodTable() map[string]method {
	return map[string]method{
		"auth.test":              s.authTest,
		"apps.connections.open":  s.openConnection,
		"chat.postMessage":       s.postMessage,
		"chat.update":            s.updateMessage,
		"chat.delete":            s.deleteMessage,
		"chat.postEphemeral":     s.postEphemeral,
		"chat.getPermalink":      s.permalink,
		"conversations.list":     s.listConversations,
		"conversations.create":   s.createConversation,
		"conversations.info":     s.conversationInfo,
		"conversations.join":     s.joinConversation,
		"conversations.invite":   s.inviteToConversation,
		"conversations.members":  s.conversationMembers,
		"conversations.open":     s.openConversation,
		"conversations.setTopic": s.setTopic,
		"conversations.history":  s.conversationHistory,
		"conversations.replies":  s.conversationReplies,
		"users.info":             s.userInfo,
		"users.list":             s.listUsers,
		"users.lookupByEmail":    s.lookupByEmail,
		"views.open":             s.openView,
		"views.push":             s.pushView,
		"views.update":           s.updateView,
		"views.publish":          s.publishView,
	}
}

func (s *Server) serveMethod(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("method")
	if s.faults.isDown() {
		s.record(name, "", "down")
		http.Error(w, "service unavailable", http.StatusServiceUnavailable)
		return
	}
	args, bad := readArguments(w, r)
	channel := args.text("channel")
	planned := s.faults.take(name)
	if s.turnedAway(w, planned, name, channel) {
		return
	}
	body, failed := reply(nil), bad
	switch {
	case failed != nil:
	case planned.action == failWith:
		failed = &failure{code: planned.slackError}
	default:
		body, failed = s.do(name, args)
	}
	if planned.action == hangUp {
		s.record(name, channel, "no_answer")
		panic(http.ErrAbortHandler) // closes the connection without an answer
	}
	s.answer(w, name, channel, body, failed)
}

// turnedAway answers with the faults that stand before any work, and says whether it did.
func (s *Server) turnedAway(w http.ResponseWriter, planned fault, name, channel string) bool {
	switch planned.action {
	case rateLimit:
		s.record(name, channel, "ratelimited")
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(planned.retryAfter.Seconds()))))
		writeJSON(w, http.StatusTooManyRequests, reply{"ok": false, "error": "ratelimited"})
		return true
	case failHTTP:
		s.record(name, channel, strconv.Itoa(planned.status))
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(planned.status)
		// An error here means that the caller has gone; there is nobody to tell.
		_, _ = w.Write([]byte("<!DOCTYPE html><title>Server Error</title>"))
		return true
	}
	return false
}

// do authenticates and runs a method.
func (s *Server) do(name string, args arguments) (reply, *failure) {
	isApp := slices.Contains(s.settings().AppTokens, args.token)
	switch {
	case args.token == "":
		return nil, &failure{code: "not_authed"}
	case !s.tokens[args.token] && !isApp:
		return nil, &failure{code: "invalid_auth"}
	case isApp != (name == "apps.connections.open"):
		return nil, &failure{code: "not_allowed_token_type"}
	}
	run, known := s.methods[name]
	if !known {
		return nil, &failure{code: "unknown_method"}
	}
	return run(args)
}

func (s *Server) answer(w http.ResponseWriter, name, channel string, body reply, failed *failure) {
	if failed == nil {
		s.record(name, channel, "ok")
		body["ok"] = true
		writeJSON(w, http.StatusOK, body)
		return
	}
	s.record(name, channel, failed.code)
	body = reply{"ok": false, "error": failed.code}
	if len(failed.messages) > 0 {
		body["errors"] = failed.messages
		body["response_metadata"] = reply{"messages": failed.messages}
	}
	writeJSON(w, http.StatusOK, body)
}

func writeJSON(w http.ResponseWriter, status int, body reply) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	// An error here means that the caller has gone; there is nobody to tell.
	_ = json.NewEncoder(w).Encode(body)
}
