// Package notify tells people about an incident: in Slack, or by e-mail where Slack cannot or must not be used.
//
// legal.notify posts the legal brief, once a version, and reads it back. legal.remind posts a reminder of a clock in the
// brief's thread, once under its key; it alone mentions people, by their checked ids. notify.page tells on-call of an alert for
// which no incident was started. Each takes Slack first; if that refuses, keeps failing or is in the blast radius itself, the
// same words go out by mail, once under a Message-ID that the operation decides, and the receipt says which way it was and why.
//
// The bot needs the scopes chat:write, channels:read, channels:history, groups:read and groups:history, and must be a member
// of the channel. Text that comes from alerts or the inventory is shown as plain text only, so that it can neither mention
// anybody nor pretend to be a statement of firebreak's.
package notify
