// Package slack is a look-alike of the part of Slack that firebreak uses, kept in memory, with pages on which people act.
//
// Slack ships no server for tests, so this one follows the published reference (https://docs.slack.dev):
//
//   - the Web API: arguments as JSON or as a form, errors as HTTP 200 with ok:false, a rate limit as HTTP 429 with Retry-After;
//   - what Slack sends an app: slash commands, interactions and events, either as signed HTTP requests or through Socket
//     Mode, with the three seconds that an app has to answer, response URLs, triggers that run out, and repeated events;
//   - Block Kit: messages, modals and the App Home with their limits.
//
// A test acts as a person with [Server.As], and a human does the same in the browser. Both take the same path. Faults are
// asked for by Go methods or by [Control] as JSON and are safe to change while requests are being served.
package slack
