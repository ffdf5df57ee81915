package process

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// parentFolder, when set, makes the test binary the parent of a process that
// it never stops.
const parentFolder = "PROCESS_TEST_PARENT_FOLDER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(parentFolder); dir != "" {
		beParent(dir)
		return
	}
	os.Exit(m.Run())
}

func beParent(dir string) {
	p, err := Start(context.Background(), Command{
		Name: "sleep", Path: "/bin/sleep", Args: []string{"600"}, LogFile: filepath.Join(dir, "log"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.PID())
	<-p.Done()
}

func TestTheProcessDiesWithAKilledParent(t *testing.T) {
	t.Parallel()
	parent := exec.Command(os.Args[0])
	parent.Env = append(BaseEnv(t.TempDir()), parentFolder+"="+t.TempDir())
	output, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	line, err := bufio.NewReader(output).ReadString('\n')
	require.NoError(t, err)
	var child int
	_, err = fmt.Sscan(line, &child)
	require.NoError(t, err, line)
	require.False(t, ended(child))

	require.NoError(t, parent.Process.Kill())
	_ = parent.Wait()
	require.Eventually(t, func() bool { return ended(child) }, 10*time.Second, 10*time.Millisecond)
}
