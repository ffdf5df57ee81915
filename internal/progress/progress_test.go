package progress_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"firebreak/internal/progress"
)

func TestMeterCounts(t *testing.T) {
	t.Parallel()
	ctx, m := progress.With(t.Context())
	require.Same(t, m, progress.From(ctx))
	_, begun := m.Report()
	require.False(t, begun)
	m.Begin("copying", 3, 4<<30)
	m.Found(1, 1<<30)
	m.Add(1, 512<<20)
	m.Slow()
	got, begun := m.Report()
	require.True(t, begun)
	require.Equal(t, int64(2), got.Objects)
	require.Positive(t, got.Rate)
	got.Rate = 210 << 20
	require.Equal(t, "copying: 2 of 3 objects, 1.5 of 4.0 GiB, 210.0 MiB/s, slowed down 1 times by the store", got.String())
}

func TestNoMeterIsNoFault(t *testing.T) {
	t.Parallel()
	m := progress.From(t.Context())
	m.Begin("copying", 1, 1)
	m.Add(1, 1)
	_, begun := m.Report()
	require.False(t, begun)
}
