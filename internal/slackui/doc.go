// Package slackui builds what firebreak shows in Slack and reads what people fill in there. It calls nothing: messages,
// modals and the app's home are values that others post.
//
// Text that firebreak did not write itself is shown as plain_text, on one line, without invisible characters; nothing in it
// can mention anybody, make a link or pass for a statement of firebreak's. Whatever a record holds, what is built keeps
// within Slack's limits. No meaning is carried by colour or emoji alone.
package slackui
