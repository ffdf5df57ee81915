// Package page is the incident page: what 'trigger serve' shows in a browser. It turns records into HTML and pictures on the
// server, and hands what people decide to a Desk. It reaches Temporal, Slack and identity providers through its interfaces
// alone. Text in a record was partly written by strangers: it is data, escaped, and never becomes a link.
package page
