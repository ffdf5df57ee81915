package slack

import (
	"embed"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed page
var pageFiles embed.FS

// refreshSeconds is how often a page reloads itself, unless ?refresh=off is asked for.
const refreshSeconds = 3

func parsePages() *template.Template {
	return template.Must(template.New("").ParseFS(pageFiles, "page/*.html"))
}

type pageView struct {
	Title   string
	Team    string
	Refresh int // seconds; 0 means that the reader has paused it
	Path    string

	Channels []channelView
	Channel  *channelView
}

type channelView struct {
	Name     string
	Private  bool
	Count    int
	Latest   string
	Messages []messageView
}

type messageView struct {
	ID       string
	Author   string
	At       time.Time
	Edited   bool
	OnlyFor  string
	Text     []span
	Blocks   []blockView
	Metadata string
	Replies  []messageView
}

type blockView struct {
	Kind     string
	Text     []span
	Fields   [][]span
	Elements []elementView
}

type elementView struct {
	Kind  string
	Text  []span
	URL   string
	Style string
}

func (s *Server) serveIndex(w http.ResponseWriter, r *http.Request) {
	view := s.view(r, s.workspace.team)
	for _, c := range s.workspace.list() {
		messages := s.workspace.messages(c.ID)
		shown := channelView{Name: c.Name, Private: c.Private, Count: len(messages)}
		if len(messages) > 0 {
			shown.Latest = formatTime(timeOf(messages[len(messages)-1].TS))
		}
		view.Channels = append(view.Channels, shown)
	}
	s.render(w, http.StatusOK, "index.html", view)
}

func (s *Server) serveChannel(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	all := s.workspace.list()
	if !slices.ContainsFunc(all, func(c Channel) bool { return c.Name == name }) {
		s.render(w, http.StatusNotFound, "missing.html", s.view(r, "No such channel"))
		return
	}
	view := s.view(r, "#"+name)
	view.Channel = &channelView{Name: name, Messages: s.messageViews(s.workspace.messages("#" + name))}
	s.render(w, http.StatusOK, "channel.html", view)
}

func (s *Server) serveStyle(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, pageFiles, "page/page.css")
}

func (s *Server) view(r *http.Request, title string) pageView {
	view := pageView{Title: title, Team: s.workspace.team, Path: r.URL.Path, Refresh: refreshSeconds}
	if r.URL.Query().Get("refresh") == "off" {
		view.Refresh = 0
	}
	return view
}

func (s *Server) render(w http.ResponseWriter, status int, page string, view pageView) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy",
		"default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	// An error here means that the reader has gone; there is nobody to tell.
	_ = s.pages.ExecuteTemplate(w, page, view)
}

// messageViews puts replies under the message that they answer.
func (s *Server) messageViews(messages []Message) []messageView {
	var roots []messageView
	place := make(map[string]int)
	for _, m := range messages {
		shown := s.messageView(m)
		root, isKnown := place[m.ThreadTS]
		if m.isReply() && isKnown {
			roots[root].Replies = append(roots[root].Replies, shown)
			continue
		}
		place[m.TS] = len(roots)
		roots = append(roots, shown)
	}
	return roots
}

func (s *Server) messageView(m Message) messageView {
	shown := messageView{
		ID: anchor(m.TS), Author: s.workspace.people.name(m.UserID),
		At: timeOf(m.TS), Edited: !m.Edited.IsZero(),
	}
	if m.EphemeralFor != "" {
		shown.OnlyFor = s.workspace.people.name(m.EphemeralFor)
	}
	if m.Metadata != nil {
		shown.Metadata = m.Metadata.EventType
	}
	markup := mrkdwn{userName: s.workspace.people.name, channelName: s.channelName}
	blocks, err := readBlocks(m.Blocks)
	if err != nil || len(blocks) == 0 {
		shown.Text = markup.parse(m.Text) // text is only the notification where there are blocks
		return shown
	}
	for _, b := range blocks {
		shown.Blocks = append(shown.Blocks, markup.block(b))
	}
	return shown
}

func (p mrkdwn) block(b block) blockView {
	shown := blockView{Kind: b.Type}
	if b.Text != nil {
		shown.Text = p.object(*b.Text)
	} else if b.AltText != "" {
		shown.Text = p.object(textObject{Type: "plain_text", Text: b.AltText}) // an image's words
	}
	for _, field := range b.Fields {
		shown.Fields = append(shown.Fields, p.object(field))
	}
	elements := b.elements()
	if b.Accessory != nil {
		elements = append(elements, *b.Accessory)
	}
	for _, e := range elements {
		shown.Elements = append(shown.Elements, elementView{Kind: e.Type, Text: p.object(e.label()), URL: e.URL, Style: e.Style})
	}
	return shown
}

// object renders a text object; plain_text has no markup.
func (p mrkdwn) object(t textObject) []span {
	if t.Type == "mrkdwn" {
		return p.parse(t.Text)
	}
	var spans []span
	for i, line := range strings.Split(t.Text, "\n") {
		if i > 0 {
			spans = append(spans, span{Kind: "break"})
		}
		spans = append(spans, span{Kind: "text", Text: emojis(line)})
	}
	return spans
}

// anchor is the id of a message on a page.
func anchor(ts string) string { return "m" + strings.ReplaceAll(ts, ".", "-") }

func (s *Server) channelName(id string) string {
	for _, c := range s.workspace.list() {
		if c.ID == id {
			return c.Name
		}
	}
	return id
}

// timeOf reads the time out of a ts that this server made.
func timeOf(ts string) time.Time {
	whole, fraction, _ := strings.Cut(ts, ".")
	seconds, errSeconds := strconv.ParseInt(whole, 10, 64)
	micros, errMicros := strconv.ParseInt(fraction, 10, 64)
	if errSeconds != nil || errMicros != nil {
		return time.Time{}
	}
	return time.Unix(seconds, micros*1000).UTC()
}

func formatTime(at time.Time) string { return at.Format("2006-01-02 15:04:05 UTC") }

// Clock is the time of day that a message shows.
func (m messageView) Clock() string { return formatTime(m.At) }

// Machine is the same time for the datetime attribute.
func (m messageView) Machine() string { return m.At.Format(time.RFC3339) }

func (s *Server) routePages() {
	s.mux.HandleFunc("GET /{$}", s.serveIndex)
	s.mux.HandleFunc("GET /channels/{name}", s.serveChannel)
	s.mux.HandleFunc("GET /page.css", s.serveStyle)
}
