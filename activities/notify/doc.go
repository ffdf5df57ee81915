// Package notify tells people about an incident: in Slack, or by e-mail where Slack cannot or must not be used.
//
// legal.notify posts the legal brief, once a version, and reads it back. legal.remind posts a reminder of a clock in the
// brief's thread, once under its key. notify.page tells on-call of an alert for which no incident was started. Each takes
// Slack first; if that refuses, keeps failing or is in the blast radius itself, the same words go out by mail, once under a
// Message-ID that the operation decides, and the receipt says which way it was and why. notify.thread shows the incident in a
// thread of the on-call channel: its root is the record as it is now, and what people are asked has buttons. Reminders and
// requests call people, by their checked ids alone.
//
// The bot needs the scopes chat:write, channels:read, channels:history, groups:read and groups:history, and must be a member
// of the channels. Text that comes from alerts or the inventory is shown as plain text only, so that it can neither mention
// anybody nor pretend to be a statement of firebreak's.
package notify
