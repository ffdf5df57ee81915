package platforms

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"firebreak/deploy/sandbox/process"
	"firebreak/deploy/sandbox/server"
)

// MasterKey is the key for administration of LiteLLM.
const MasterKey = "sk-master-of-the-sandbox-0123456789"

//go:embed litellm
var litellmFiles embed.FS

// LiteLLMCacheTTL is how long an instance goes on by what it knew of a key, as litellm/config.yaml says.
const LiteLLMCacheTTL = 5 * time.Second

// LiteLLM are real instances of LiteLLM's proxy over one PostgreSQL. They share no Redis.
type LiteLLM struct {
	// URLs has the address of each instance.
	URLs []string

	database  *server.Postgres
	processes []*process.Process
}

// LiteLLMPython returns the folder of programs of the environment in which the proxy runs. It needs Node too: Prisma's query
// engine for processes is fetched from its maker when a client is installed, and here its build for WebAssembly, which npm has
// with a digest, takes its place. The SQL is that of the same engine; only the questions to it are put in another form.
func LiteLLMPython(ctx context.Context) (string, error) {
	if _, err := exec.LookPath("npm"); err != nil {
		return "", fmt.Errorf("%w: there is no npm", ErrMissing)
	}
	list, err := litellmFiles.ReadFile("litellm/requirements.txt")
	if err != nil {
		return "", err
	}
	var salt []byte
	for _, name := range engineFiles() {
		raw, err := litellmFiles.ReadFile("litellm/" + name)
		if err != nil {
			return "", err
		}
		salt = append(salt, raw...)
	}
	return environment(ctx, list, salt, finishEngine)
}

func engineFiles() []string {
	return []string{"package.json", "package-lock.json", "engine.mjs", "query-engine"}
}

// finishEngine installs the engine and generates the client.
func finishEngine(ctx context.Context, dir string) error {
	engine := filepath.Join(dir, "engine")
	if err := os.MkdirAll(engine, 0o755); err != nil {
		return fmt.Errorf("make %s: %w", engine, err)
	}
	for _, name := range engineFiles() {
		raw, err := litellmFiles.ReadFile("litellm/" + name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(engine, name), raw, 0o755); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	// No script of a package is run: they would fetch engines.
	if err := run(ctx, "npm", "ci", "--prefix", engine, "--ignore-scripts", "--no-audit", "--no-fund", "--silent"); err != nil {
		return err
	}
	schema, err := inPackages(dir, "litellm/proxy/schema.prisma")
	if err != nil {
		return err
	}
	generate := exec.CommandContext(ctx, "node", filepath.Join(engine, "node_modules/prisma/build/index.js"), "generate", "--schema", schema)
	generate.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
	generate.Env = append(generate.Env, engineEnvironment(dir)...)
	if out, err := generate.CombinedOutput(); err != nil {
		return fmt.Errorf("generate Prisma's client: %w\n%s", err, out)
	}
	return nil
}

func engineEnvironment(dir string) []string {
	engine := filepath.Join(dir, "engine")
	stand := filepath.Join(engine, "query-engine")
	// Nothing is migrated by Prisma, so that its schema engine is only named, lest it be fetched.
	return []string{
		"PRISMA_CLI_QUERY_ENGINE_TYPE=binary", "PRISMA_QUERY_ENGINE_BINARY=" + stand, "PRISMA_SCHEMA_ENGINE_BINARY=" + stand,
		"FIREBREAK_ENGINE=" + engine, "PRISMA_HIDE_UPDATE_MESSAGE=1", "CHECKPOINT_DISABLE=1",
	}
}

// inPackages finds a file of an installed package.
func inPackages(dir, name string) (string, error) {
	found, err := filepath.Glob(filepath.Join(dir, "lib", "python*", "site-packages", filepath.FromSlash(name)))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("find %s in %s: %d found: %w", name, dir, len(found), errors.Join(err, os.ErrNotExist))
	}
	return found[0], nil
}

// StartLiteLLM starts instances that ask the model at an address and keep everything else in dir.
func StartLiteLLM(ctx context.Context, bin, dir, model string, instances int) (*LiteLLM, error) {
	database, err := server.StartPostgres(ctx)
	if err != nil {
		return nil, err
	}
	l := &LiteLLM{database: database}
	if err := l.start(ctx, bin, dir, model, instances); err != nil {
		return nil, errors.Join(err, l.Stop())
	}
	return l, nil
}

func (l *LiteLLM) start(ctx context.Context, bin, dir, model string, instances int) error {
	address := fmt.Sprintf("postgresql://%s:%s@%s/postgres", l.database.User, l.database.Password, l.database.Address)
	if err := migrate(ctx, address, filepath.Dir(bin)); err != nil {
		return err
	}
	config, err := litellmFiles.ReadFile("litellm/config.yaml")
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		return fmt.Errorf("write config: %w", err)
	}
	ports, err := process.FreePorts(instances)
	if err != nil {
		return err
	}
	for i, port := range ports {
		url := fmt.Sprintf("http://127.0.0.1:%d", port)
		home := filepath.Join(dir, fmt.Sprintf("instance-%d", i))
		if err := os.MkdirAll(home, 0o700); err != nil {
			return fmt.Errorf("make %s: %w", home, err)
		}
		p, err := process.Start(ctx, process.Command{
			Name: "litellm", Path: filepath.Join(bin, "uvicorn"), Dir: home, LogFile: filepath.Join(home, "litellm.log"),
			Args: []string{"litellm.proxy.proxy_server:app", "--host", "127.0.0.1", "--port", fmt.Sprint(port), "--log-level", "warning"},
			Env: slices.Concat(process.BaseEnv(home), engineEnvironment(filepath.Dir(bin)), []string{
				"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"), "DATABASE_URL=" + address, "CONFIG_FILE_PATH=" + file,
				"FIREBREAK_MASTER_KEY=" + MasterKey, "FIREBREAK_MODEL=" + model, "DISABLE_SCHEMA_UPDATE=true", "LITELLM_LOCAL_MODEL_COST_MAP=True",
				"LITELLM_LOG=ERROR", "LITELLM_SALT_KEY=salt", "PYTHONDONTWRITEBYTECODE=1",
			}),
			Ready: func(ctx context.Context) error { return answers(ctx, url+"/health/liveliness") }, ReadyWithin: 4 * time.Minute,
		})
		if err != nil {
			return err
		}
		l.processes, l.URLs = append(l.processes, p), append(l.URLs, url)
	}
	return nil
}

// migrate makes the tables as LiteLLM's own package describes them.
func migrate(ctx context.Context, address, dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "lib", "python*", "site-packages", "litellm_proxy_extras", "migrations", "*", "migration.sql"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("find LiteLLM's migrations in %s: %w", dir, errors.Join(err, os.ErrNotExist))
	}
	slices.Sort(files)
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, file := range files {
		sql, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read migration: %w", err)
		}
		if _, err := conn.PgConn().Exec(ctx, string(sql)).ReadAll(); err != nil {
			return fmt.Errorf("run migration %s: %w", filepath.Base(filepath.Dir(file)), err)
		}
	}
	return nil
}

func answers(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, answer.Status)
	}
	return nil
}

// Stop ends everything.
func (l *LiteLLM) Stop() error {
	var errs []error
	for _, p := range l.processes {
		errs = append(errs, p.Stop())
	}
	return errors.Join(append(errs, l.database.Stop())...)
}

// Call makes a request of one instance with a key, as its owner's tool would, and returns status and answer.
func (l *LiteLLM) Call(ctx context.Context, instance int, method, path, key string, in any) (int, []byte, error) {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return 0, nil, fmt.Errorf("encode request: %w", err)
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, l.URLs[instance]+path, body)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("call litellm: %w", err)
	}
	defer answer.Body.Close()
	out, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, nil, fmt.Errorf("read answer of litellm: %w", err)
	}
	return answer.StatusCode, out, nil
}
