package main

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/sqs"
)

func TestMessageOfTheQueue(t *testing.T) {
	t.Parallel()
	f := &fakeTemporal{}
	in, _ := newIntake(t, f)
	own := sqs.Message{ID: "m-1", Body: payload(t, "sqs/own")}
	require.NoError(t, in.message(t.Context(), own))
	require.NoError(t, in.message(t.Context(), own))
	require.Len(t, f.alerts, 2)
	require.Equal(t, f.alerts[0].Key, f.alerts[1].Key, "a message that comes twice is known")
	require.Equal(t, own.Body, unzipped(t, f.alerts[0].Raw))

	require.NoError(t, in.message(t.Context(), sqs.Message{ID: "m-2", Body: []byte("not JSON")}), "what cannot be read is given to a person")
	require.Equal(t, []string{"the message is in no format that firebreak knows"}, f.reasons())

	f.failure = errors.New("dial 10.0.0.1: connection refused")
	require.ErrorContains(t, in.message(t.Context(), own), "Temporal did not confirm")
	f.failure = nil
	for range cap(in.slots) {
		in.slots <- struct{}{}
	}
	require.ErrorContains(t, in.message(t.Context(), own), "too many alerts")
}

// The same finding by two ways is one alert.
func TestFindingByTwoWaysIsOneAlert(t *testing.T) {
	t.Parallel()
	f := &fakeTemporal{}
	in, _ := newIntake(t, f)
	require.NoError(t, in.message(t.Context(), sqs.Message{ID: "m-1", Body: payload(t, "sqs/guardduty")}))
	code, _ := send(t, in, postAs("eventbridge", payload(t, "eventbridge/guardduty-again")))
	require.Equal(t, 200, code)
	require.Len(t, f.triaged, 1)
}
