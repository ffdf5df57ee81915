package main

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWrongArgumentsStartNothing(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		args []string
		want string
	}{
		{"an unknown kind", []string{"--kind", "dataset-compromised"}, `unknown kind "dataset-compromised" (known: [`},
		{"an argument", []string{"now"}, `unexpected argument "now"`},
		{"an unknown flag", []string{"--twice"}, "flag provided but not defined: -twice"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var out, errs bytes.Buffer
			require.Equal(t, exitUsage, run(context.Background(), c.args, &out, &errs))
			require.Contains(t, errs.String(), c.want)
			require.Empty(t, out.String())
		})
	}
}
