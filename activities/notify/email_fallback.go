package notify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"

	"firebreak/activities/failure"
	"firebreak/internal/incident"
)

// How long Slack is waited for where there is another way.
const (
	// slackAttempts is how often a passing failure of Slack is tried before people are told by mail. It is not more than the
	// attempts that the engine gives a stage of an action.
	slackAttempts = 3
	// slackPause is between two of them, once and then twice.
	slackPause = 2 * time.Second
	// longestLimit is the longest that Slack may ask to wait; beyond it mail is the faster way.
	longestLimit = time.Minute
	// slackPart is what one attempt may spend on Slack, so that its minute has room for the mail.
	slackPart = 25 * time.Second
)

// Facts of an effect that say by which way people were told. FactWay is slack or email, FactWhy why it was not Slack.
const (
	FactWay       = "way"
	FactWhy       = "why"
	FactMessageID = "message_id"
	FactServer    = "mail_server"
	FactAnswer    = "mail_answer"
	FactRefused   = "mail_refused"

	bySlack = "slack"
	byEmail = "email"
)

// route is who is to be told, and what is known about the ways.
type route struct {
	// email are the addresses; without any there is only Slack.
	email []string
	// exposed are credentials in the blast radius that open Slack or its identity provider. Whoever did it may read along
	// there, so mail comes first and Slack only where there is no mail.
	exposed []string
	// answers is the Message-ID of the mail that this one belongs under. Those who have that mail get this one too.
	answers string
}

// ways are the two ways to tell people.
type ways struct {
	mail *Mailer
	// attempt is how often Temporal has tried the activity, from 1.
	attempt func(context.Context) int
}

func newWays() ways { return ways{attempt: temporalAttempt} }

func temporalAttempt(ctx context.Context) int {
	if !activity.IsActivity(ctx) {
		return 1
	}
	return int(activity.GetInfo(ctx).Attempt)
}

// waitError is a passing failure of Slack that is tried again after a while.
type waitError struct {
	err   error
	pause time.Duration
}

// Error is Slack's.
func (e *waitError) Error() string { return e.err.Error() }

// Unwrap returns Slack's error.
func (e *waitError) Unwrap() error { return e.err }

// RetryDelay is what Slack asked for, or a growing pause.
func (e *waitError) RetryDelay() time.Duration { return e.pause }

// tell takes the first way that works. Slack comes first, because there people can answer and everybody sees the answers.
// If Slack refuses for good, keeps failing or asks for too much patience, people are told by mail, which says why.
func (w ways) tell(ctx context.Context, r route, inSlack func(context.Context) (*incident.Effect, error),
	inMail func(ctx context.Context, why string) (*incident.Effect, error)) (*incident.Effect, error) {
	if w.mail == nil || len(r.email) == 0 {
		e, err := inSlack(ctx)
		if err == nil && len(r.exposed) > 0 {
			e.Facts[FactWhy] = exposedIn(r) + ", but there is no e-mail to use instead (SMTP_ADDRESS, and addresses in the inventory)"
			e.Summary += "; " + e.Facts[FactWhy]
		}
		return e, err
	}
	if len(r.exposed) > 0 {
		return inMail(ctx, exposedIn(r))
	}
	if r.answers != "" {
		e, err := inMail(ctx, "what it is about was sent by e-mail")
		if err == nil {
			return e, nil
		}
		e, slackErr := inSlack(ctx)
		if slackErr == nil {
			return e, nil
		}
		return nil, fmt.Errorf("%w; in Slack: %v", err, slackErr)
	}
	bounded, cancel := context.WithTimeout(ctx, slackPart)
	e, err := inSlack(bounded)
	cancel()
	if _, final := failure.CodeOf(err); err == nil || final || ctx.Err() != nil {
		return e, err
	}
	if wait := w.patience(ctx, err); wait != nil {
		return nil, wait
	}
	e, mailErr := inMail(ctx, err.Error())
	if mailErr != nil {
		return nil, fmt.Errorf("%v; by e-mail: %w", err, mailErr)
	}
	return e, nil
}

func exposedIn(r route) string {
	return "Slack is in the blast radius itself (" + plain(strings.Join(r.exposed, ", "), mostName) + ")"
}

// patience returns the error to try Slack again with, or nil if Slack is given up.
func (w ways) patience(ctx context.Context, err error) error {
	attempt := w.attempt(ctx)
	var limited *RateLimitError
	var refused *refusedError
	switch {
	case attempt >= slackAttempts, errors.As(err, &refused) && lasting(refused.code):
		return nil
	case errors.As(err, &limited):
		if limited.RetryDelay() > longestLimit {
			return nil
		}
		return err
	}
	return &waitError{err: err, pause: time.Duration(attempt) * slackPause}
}

// lasting reports whether a refusal stays until a person mends something.
func lasting(code string) bool { return remedy(code) != code && slackCode.MatchString(code) }

// byMail describes what a mail server took over.
func byMail(summary, why, channel string, state posted) (*incident.Effect, error) {
	// Whoever reads the receipt finds the mail by its Message-ID, as a message in Slack by its timestamp.
	e, err := effect(summary+" by e-mail, because "+why, true, channel, state)
	if err != nil {
		return nil, err
	}
	a := state.Mail
	e.Facts[FactWay], e.Facts[FactWhy] = byEmail, why
	e.Facts[incident.FactTS], e.Facts[FactMessageID], e.Facts[FactServer], e.Facts[FactAnswer] = a.MessageID, a.MessageID, a.Server, a.Answer
	if len(a.Refused) > 0 {
		e.Facts[FactRefused] = strings.Join(a.Refused, "; ")
	}
	return e, nil
}
