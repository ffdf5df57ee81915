package browser

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Screenshots, when set, is a folder into which Picture writes.
const Screenshots = "FIREBREAK_SCREENSHOTS"

// Open starts a headless browser with one tab for a test, at most for the time. Without a Chromium the test is skipped, or
// fails where RequireVariable asks for one.
func Open(t testing.TB, atMost time.Duration) context.Context {
	t.Helper()
	path, err := Find()
	if err != nil {
		if os.Getenv(RequireVariable) == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses its sandbox to root
	}
	ctx, cancel := context.WithTimeout(t.Context(), atMost)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	return ctx
}

// Picture keeps what the tab shows, down to the page's end, where Screenshots names a folder.
func Picture(name string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		folder := os.Getenv(Screenshots)
		if folder == "" {
			return nil
		}
		image, err := chromedp.FullScreenshot(100)(ctx, tab)
		if err != nil {
			return fmt.Errorf("take picture %s: %w", name, err)
		}
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return fmt.Errorf("make folder for pictures: %w", err)
		}
		return os.WriteFile(filepath.Join(folder, name+".png"), image, 0o600)
	})
}
